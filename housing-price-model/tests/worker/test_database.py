"""The jobs database of a worker."""

from pathlib import Path

import pytest

from housing_price_model.errors import JobsError
from housing_price_model.worker.database import open_jobs
from housing_price_platform.database.sqlite_file import sqlite_url


def test_a_damaged_database_is_one_message_that_names_the_file(tmp_path: Path) -> None:
    database = tmp_path / "100% of what?.db"
    open_jobs(sqlite_url(database)).dispose()
    database.write_bytes(b"no database")
    with pytest.raises(JobsError, match=r"is damaged .*: restore the file from a backup") as raised:
        open_jobs(sqlite_url(database))
    assert str(database) in str(raised.value)


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "oracle://host/jobs"])
def test_an_invalid_url_is_an_error_without_the_url(url: str) -> None:
    with pytest.raises(JobsError, match="invalid URL of the jobs database"):
        open_jobs(url)
