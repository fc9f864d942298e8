"""Which model the registry calls champion, and whether the export on disk is that one."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from housing_price.errors import StackError
from housing_price.stack.state import State
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.names import CHAMPION, DIGEST_TAG, NAME, NOT_THERE

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"

_QUERY = """
    SELECT alias.version, tag.value
    FROM registered_model_aliases AS alias
    LEFT JOIN model_version_tags AS tag ON tag.name = alias.name AND tag.version = alias.version AND tag.key = ?
    WHERE alias.name = ? AND alias.alias = ?
"""


@dataclass(frozen=True)
class Champion:
    """A registered version; `digest` is that of its files, where it was recorded."""

    version: str
    digest: str | None

    def is_exported_as(self, manifest: Mapping[str, Any] | None) -> bool:
        """Whether an export's manifest describes this very version.

        The number alone does not do: a registry that was made anew counts from 1 again.
        """
        if manifest is None or str(manifest.get("version")) != self.version:
            return False
        return self.digest is None or manifest.get("digest") == self.digest


async def find_champion(client: httpx.AsyncClient, tracking_url: str) -> Champion | None:
    """Ask the registry for the champion; None when there is none yet.

    Raises:
        StackError: The registry gives no usable answer.
    """
    try:
        answer = await client.get(tracking_url + ALIAS_PATH, params={"name": NAME, "alias": CHAMPION}, timeout=30)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise StackError(f"the registry at {tracking_url} did not answer: {error!r}") from error
    if answer.is_success:
        version = body["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return Champion(str(version["version"]), tags.get(DIGEST_TAG))
    if body.get("error_code") in NOT_THERE:
        return None
    raise StackError(f"the registry at {tracking_url} refused: {answer.status_code} {body.get('message')}")


def read_champion(database: Path) -> Champion | None:
    """Read the champion from the tracking server's SQLite file, where no server runs; None when there is none yet.

    Raises:
        sqlite3.Error: The file cannot be read as such.
    """
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute(_QUERY, (DIGEST_TAG, NAME, CHAMPION)).fetchone()
    return Champion(str(row[0]), row[1]) if row else None


def is_exported(champion: Champion, state: State) -> bool:
    """Whether the export on disk is this very champion, whole and unchanged: each file is read."""
    try:
        return champion.is_exported_as(asdict(read_export(state.export_of(champion.version))))
    except ArtefactError:
        return False


def read_exported_champion(state: State) -> Champion | None:
    """Read which champion can be served before the registry is up: its database knows it, and the export is it."""
    try:
        champion = read_champion(state.database)
    except sqlite3.Error:
        return None  # the tracking server will say what is wrong with it
    return champion if champion is not None and is_exported(champion, state) else None
