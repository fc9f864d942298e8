"""`housing-price-orchestrator database`: manages the database of the prediction log."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from alembic.util.exc import CommandError
from pydantic import ValidationError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.cli.exits import exit_on_invalid_settings, exit_with_error
from housing_price_orchestrator.provider.store.copy_log import LogNotCopied, copy_log
from housing_price_orchestrator.provider.store.database import downgrade as downgrade_tables
from housing_price_orchestrator.provider.store.database import open_database, prepare_database
from housing_price_orchestrator.provider.store.migrations.revisions import RevisionUnknown, RevisionUnreachable
from housing_price_orchestrator.settings import PredictionLogSettings, load_settings
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.output.terminal import echo
from housing_price_survey.columns import COLUMNS

app = typer.Typer(
    no_args_is_help=True, help="Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."
)

WAIT_SECONDS: Final = 60.0
STATEMENT_SECONDS: Final = 3600.0


@app.callback()
def database() -> None:
    """Manage the database of the prediction log (ORCHESTRATOR_PREDICTION_LOG__URL)."""


@app.command()
def upgrade() -> None:
    """Create or migrate the tables. `serve` also does this at startup; here each statement may take up to an hour."""
    with exit_on_invalid_settings():
        settings = load_settings()
    url = make_url(settings.prediction_log.url)
    # Imported here because it loads OpenTelemetry (see `main.py`).
    from housing_price_orchestrator.composition.store import token_caller_prefix_of  # noqa: PLC0415

    with _exit_on_failure(url, "upgraded"):
        prepare_database(
            url,
            COLUMNS,
            wait_seconds=WAIT_SECONDS,
            statement_seconds=STATEMENT_SECONDS,
            token_caller_prefix=token_caller_prefix_of(settings),
        )
    echo(f"{_name_of(url)} is up to date")


@app.command()
def downgrade(
    to: Annotated[str | None, typer.Option(help="Revision to go back to.", show_default="the one before")] = None,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the steps and what they lose.")] = False,
) -> None:
    """Migrate the tables back for an earlier release, and show what they can no longer hold.

    Stop all services of this release before: they would migrate the tables again.
    """
    with exit_on_invalid_settings():
        url = make_url(load_settings().prediction_log.url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        exit_with_error(f"{_name_of(url)} cannot be downgraded: the file does not exist")
    engine = open_database(url, wait_seconds=WAIT_SECONDS, statement_seconds=STATEMENT_SECONDS)
    with _exit_on_failure(url, "downgraded"), contextlib.ExitStack() as stack:
        stack.callback(engine.dispose)
        steps = downgrade_tables(engine, to, is_dry_run=is_dry_run)
    for step in steps:
        echo(f"{step.revision} -> {step.down_revision}: loses {step.lost}")
    reached = steps[-1].down_revision if steps else to
    echo(f"{_name_of(url)} {'is unchanged (dry run)' if is_dry_run else f'has revision {reached}'}")


@app.command()
def copy(
    source: Annotated[str, typer.Option("--from", help="Database to read: sqlite:///FILE or postgresql://...")],
) -> None:
    """Copy a log into the empty database ORCHESTRATOR_PREDICTION_LOG__URL, such as from SQLite to Postgres.

    Stop all services before: what they write meanwhile would be missing.
    """
    with exit_on_invalid_settings():
        target_url = make_url(load_settings().prediction_log.url)
    try:
        source_url = make_url(PredictionLogSettings(url=source).url)
    except ValidationError as error:
        exit_with_error(f"--from: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
    if source_url.get_backend_name() == "sqlite" and not Path(source_url.database or "").is_file():
        exit_with_error(f"{_name_of(source_url)} cannot be copied: the file does not exist")
    with contextlib.ExitStack() as stack:
        reading, writing = (
            open_database(url, wait_seconds=WAIT_SECONDS, statement_seconds=STATEMENT_SECONDS)
            for url in (source_url, target_url)
        )
        stack.callback(reading.dispose)
        stack.callback(writing.dispose)
        with _exit_on_failure(source_url, "copied"):
            rows = copy_log(reading, writing)
    copied = ", ".join(f"{number} {table}" for table, number in rows.items())
    echo(f"Copied {_name_of(source_url)} to {_name_of(target_url)}: rows of {copied}.")


@contextlib.contextmanager
def _exit_on_failure(url: URL, done: str) -> Iterator[None]:
    try:
        yield
    except (RevisionUnknown, RevisionUnreachable, LogNotCopied) as error:
        exit_with_error(f"{_name_of(url)} cannot be {done}: {error}")
    except (SQLAlchemyError, CommandError, OSError) as error:
        exit_with_error(f"{_name_of(url)} cannot be {done}: {describe_database_error(error)}")


def _name_of(url: URL) -> str:
    return url.render_as_string(hide_password=True)
