"""Finds the champion of the registry, and checks whether the export on disk is that version."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from housing_price.errors import StackError
from housing_price.stack.state import State
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError, ServingFolderError
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.names import CHAMPION, DIGEST_TAG, NAME, NAME_OF_MODEL, NOT_FOUND_CODES
from housing_price_platform.database.sqlite_file import find_damage
from housing_price_platform.orders.moves import ServedModel

ALIAS_PATH: Final = "/api/2.0/mlflow/registered-models/alias"

_QUERY: Final = """
    SELECT alias.version, tag.value
    FROM registered_model_aliases AS alias
    LEFT JOIN model_version_tags AS tag ON tag.name = alias.name AND tag.version = alias.version AND tag.key = ?
    WHERE alias.name = ? AND alias.alias = ?
"""


@dataclass(frozen=True)
class Champion:
    """The registered version with the alias `champion`; `digest` is None if the registry records none."""

    version: str
    digest: str | None

    def is_exported_as(self, manifest: Mapping[str, Any] | None) -> bool:
        """Return whether an export's manifest describes this version.

        Compares the digest too: a new registry starts again with version 1.
        """
        if manifest is None or str(manifest.get("version")) != self.version:
            return False
        return self.digest is None or manifest.get("digest") == self.digest


async def find_champion(client: httpx.AsyncClient, tracking_url: str, name: str = NAME) -> Champion | None:
    """Request the champion of a model from the registry; None if there is none yet.

    Raises:
        StackError: The registry is unreachable, or its response is an error or unusable.
    """
    try:
        answer = await client.get(tracking_url + ALIAS_PATH, params={"name": name, "alias": CHAMPION}, timeout=30)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise StackError(f"no usable response from the registry at {tracking_url}: {error!r}") from error
    if answer.is_success:
        version = body["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return Champion(str(version["version"]), tags.get(DIGEST_TAG))
    if body.get("error_code") in NOT_FOUND_CODES:
        return None
    raise StackError(f"the registry at {tracking_url} refused the request: {answer.status_code} {body.get('message')}")


def read_champion(database: Path, name: str = NAME) -> Champion | None:
    """Read the champion of a model from the tracking server's SQLite file, without a server; None if there is none yet.

    Raises:
        sqlite3.Error: The file is not a readable database of MLflow.
    """
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute(_QUERY, (DIGEST_TAG, name, CHAMPION)).fetchone()
    return Champion(str(row[0]), row[1]) if row else None


def is_exported(champion: Champion, serving: ServingFolder) -> bool:
    """Return whether the export on disk is this champion, complete and unmodified. Reads and hashes every file."""
    try:
        return champion.is_exported_as(asdict(read_export(serving.export_of(champion.version))))
    except ArtefactError:
        return False


def read_exported_champion(state: State, model: ServedModel = ServedModel.PRICE) -> Champion | None:
    """Return the champion of a model if its export is complete, so that it can be served before the registry runs.

    If the registry's file is unusable, it is the champion that was served last.
    """
    serving = state.serving.of(model)
    if find_registry_damage(state) is None:
        try:
            champion = read_champion(state.database, NAME_OF_MODEL[model])
        except sqlite3.Error:
            pass  # the tracking server will report the cause
        else:
            return champion if champion is not None and is_exported(champion, serving) else None
    return next((champion for champion in _served_earlier(serving) if is_exported(champion, serving)), None)


def find_registry_damage(state: State) -> str | None:
    """Return what is wrong with the registry's file; None if it seems intact, or is missing.

    To be called before the tracking server starts, which fills an empty file.
    """
    try:
        is_empty = state.database.stat().st_size == 0
    except OSError:
        return None
    if is_empty and any(_served_earlier(state.serving)):
        return "it is empty, although models were exported from it"
    return find_damage(state.database)


def _served_earlier(serving: ServingFolder) -> Iterator[Champion]:
    """Yield the champion of the previous run, then the other exported versions, the newest first."""
    try:
        desired = serving.desired()
        last = desired.server(desired.roles.champion or "")
    except ServingFolderError:
        last = None
    if last is not None:
        yield Champion(last.version, last.digest)
    for version in serving.exported_versions():
        if last is None or version != last.version:
            yield Champion(version, None)
