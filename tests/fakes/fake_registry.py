"""A fake registry for the fake services: a champion in a database with MLflow's tables, and its files."""

import sqlite3
from contextlib import closing
from pathlib import Path

from housing_price.stack.champion import Champion
from housing_price.stack.state import State
from housing_price_model.artefact.export import Manifest, digest_of, write_export

_TABLES = """
    CREATE TABLE IF NOT EXISTS registered_model_aliases (name TEXT, alias TEXT, version INTEGER);
    CREATE TABLE IF NOT EXISTS model_version_tags (name TEXT, version INTEGER, key TEXT, value TEXT);
    DELETE FROM registered_model_aliases;
    DELETE FROM model_version_tags;
"""


def _model_folder(state: Path) -> Path:
    return state / "fake-artifacts" / "model"


def register(state: Path, version: str, content: str = "") -> Champion:
    """Register a model with this content as the champion."""
    _model_folder(state).mkdir(parents=True, exist_ok=True)
    (_model_folder(state) / "MLmodel").write_text(content)
    champion = Champion(version, digest_of(_model_folder(state)))
    with closing(sqlite3.connect(state / "mlflow.db")) as database:
        database.executescript(_TABLES)
        database.execute("INSERT INTO registered_model_aliases VALUES ('housing-price', 'champion', ?)", (version,))
        tag = (version, champion.digest)
        database.execute("INSERT INTO model_version_tags VALUES ('housing-price', ?, 'digest', ?)", tag)
        database.commit()
    return champion


def export(state: Path, champion: Champion) -> None:
    """Write the champion to the folder of its model server."""
    assert champion.digest
    manifest = Manifest("housing-price", champion.version, "m", champion.digest, "run", "2026-01-01T00:00:00+00:00")
    write_export(_model_folder(state), manifest, State(state).export_of(champion.version))
