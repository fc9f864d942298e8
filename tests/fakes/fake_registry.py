"""What the stand-ins share of the registry: a champion in a database with MLflow's tables, and its files."""

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


def _files(state: Path) -> Path:
    return state / "fake-artifacts" / "model"


def register(state: Path, version: str, content: str = "") -> Champion:
    """Make a model of this content the champion."""
    _files(state).mkdir(parents=True, exist_ok=True)
    (_files(state) / "MLmodel").write_text(content)
    champion = Champion(version, digest_of(_files(state)))
    with closing(sqlite3.connect(state / "mlflow.db")) as database:
        database.executescript(_TABLES)
        database.execute("INSERT INTO registered_model_aliases VALUES ('housing-price', 'champion', ?)", (version,))
        tag = (version, champion.digest)
        database.execute("INSERT INTO model_version_tags VALUES ('housing-price', ?, 'digest', ?)", tag)
        database.commit()
    return champion


def export(state: Path, champion: Champion) -> None:
    """Write the champion to where the model server reads it."""
    assert champion.digest
    manifest = Manifest("housing-price", champion.version, "m", champion.digest, "run", "2026-01-01T00:00:00+00:00")
    write_export(_files(state), manifest, State(state).export_of(champion.version))
