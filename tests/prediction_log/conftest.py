import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from postgres import Postgres, find_programs, running_postgres

with warnings.catch_warnings():
    # MLflow warns of its own type hints while it is imported; later warnings are errors, as everywhere.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server for the tests."""
    programs = find_programs()
    if programs is None:
        pytest.skip("Postgres was not found (Debian: postgresql)")
    with running_postgres(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database, for each kind of database that supports the prediction log."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
