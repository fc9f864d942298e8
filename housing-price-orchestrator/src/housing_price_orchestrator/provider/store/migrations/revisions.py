"""Revisions of the tables: the one of a database, those that this release knows, and the way back to earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

MIGRATIONS: Final = Path(__file__).parent


class RevisionUnknown(Exception):
    """A later release migrated the database; the message says so to operators."""


class RevisionUnreachable(Exception):
    """The database cannot be downgraded to this revision; the message says why."""


@dataclass(frozen=True, slots=True)
class Downgrade:
    """One step back."""

    revision: str
    """The revision before the step."""
    down_revision: str
    """The revision after the step."""
    lost: str
    """The data that the older tables cannot hold; "nothing" if they hold everything."""


def migration_config() -> Config:
    """Make Alembic's configuration for the migrations of this folder."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def check_revision(connection: Connection) -> str | None:
    """Return the revision of the tables; None if the database has none yet.

    Raises:
        RevisionUnknown: a later release migrated the tables.
    """
    scripts = ScriptDirectory.from_config(migration_config())
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is not None and revision not in known:
        head = scripts.get_current_head()
        raise RevisionUnknown(
            f"the tables of the prediction log have revision {revision}, and this release knows revisions up to "
            f"{head}: a later release migrated them. Run that release, or stop it and run its command "
            f"`housing-price-orchestrator database downgrade --to {head}`"
        )
    return revision


def plan_downgrade(connection: Connection, target: str | None) -> Sequence[Downgrade]:
    """Return the steps from the current revision to `target`, or to the one before; empty if `target` is current.

    Raises:
        RevisionUnknown: see `check_revision`.
        RevisionUnreachable: `target` is not an earlier revision, or there is none.
    """
    current = check_revision(connection)
    if current is None:
        raise RevisionUnreachable("it has no tables yet")
    scripts = ScriptDirectory.from_config(migration_config())
    steps: list[Downgrade] = []
    for script in scripts.iterate_revisions(current, "base"):
        if script.revision == target or (target is None and steps):
            return steps
        # The first revision creates the tables; without it there would be no log.
        if isinstance(script.down_revision, str):
            steps.append(Downgrade(script.revision, script.down_revision, script.module.LOST_ON_DOWNGRADE))
    earlier = ", ".join(step.down_revision for step in steps) or "none"
    raise RevisionUnreachable(f"it has revision {current}; earlier revisions: {earlier}")
