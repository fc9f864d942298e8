"""A fake registry for the fake services: a champion per model in a database with MLflow's tables, and its files."""

import sqlite3
from contextlib import closing
from pathlib import Path

from housing_price.stack.champion import Champion
from housing_price.stack.state import State
from housing_price_model.artefact.export import Manifest, digest_of, write_export
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_platform.orders.moves import ServedModel

_TABLES = """
    CREATE TABLE IF NOT EXISTS registered_model_aliases (name TEXT, alias TEXT, version INTEGER);
    CREATE TABLE IF NOT EXISTS model_version_tags (name TEXT, version INTEGER, key TEXT, value TEXT);
"""


def _model_folder(state: Path, model: ServedModel) -> Path:
    return state / "fake-artifacts" / model / "model"


def register(state: Path, version: str, content: str = "", model: ServedModel = ServedModel.PRICE) -> Champion:
    """Register a version with this content as the champion of a model."""
    folder, name = _model_folder(state, model), NAME_OF_MODEL[model]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLmodel").write_text(content)
    champion = Champion(version, digest_of(folder))
    with closing(sqlite3.connect(state / "mlflow.db")) as database:
        database.executescript(_TABLES)
        database.execute("DELETE FROM registered_model_aliases WHERE name = ?", (name,))
        database.execute("DELETE FROM model_version_tags WHERE name = ?", (name,))
        database.execute("INSERT INTO registered_model_aliases VALUES (?, 'champion', ?)", (name, version))
        database.execute("INSERT INTO model_version_tags VALUES (?, ?, 'digest', ?)", (name, version, champion.digest))
        database.commit()
    return champion


def export(state: Path, champion: Champion, model: ServedModel = ServedModel.PRICE) -> None:
    """Write the champion of a model to the folder of its server."""
    assert champion.digest
    manifest = Manifest(
        NAME_OF_MODEL[model], champion.version, "m", champion.digest, "run", "2026-01-01T00:00:00+00:00"
    )
    write_export(_model_folder(state, model), manifest, State(state).serving.of(model).export_of(champion.version))
