"""The engine of the jobs database."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from housing_price_platform.jobs.database import client_engine, sqlite_driver, worker_engine


@pytest.fixture(params=["client", "worker"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    url = make_url(f"sqlite:///{tmp_path / 'jobs.db'}")
    if request.param == "client":
        return client_engine(url, connections=1, spare_connections=0, wait_seconds=0.05)
    return worker_engine(url, connections=1, wait_seconds=0.05)


def test_no_connection_is_made_at_first(engine: sa.Engine, tmp_path: Path) -> None:
    assert not (tmp_path / "jobs.db").exists()
    engine.dispose()


def test_sqlite_survives_a_power_failure_and_readers_do_not_wait(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


def test_connections_are_limited_and_others_wait_for_a_limited_time(engine: sa.Engine) -> None:
    with engine.connect(), pytest.raises(PoolTimeout), engine.connect():
        pass
    engine.dispose()


def test_the_sqlite_library_is_new_enough_for_dbos() -> None:
    assert sqlite_driver().sqlite_version_info >= (3, 42)
