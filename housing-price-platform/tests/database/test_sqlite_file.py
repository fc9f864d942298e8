"""URLs of SQLite files with unusual paths, and the check for damage."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from housing_price_platform.database.sqlite_file import damage_of_database, find_damage, sqlite_file_of, sqlite_url

NAMES = [
    "plain",
    "100%",
    "50%25off",
    "what?",
    "a?b=c&d",
    "no#1",
    "two words",
    "a;b",
    "a+b",
    "ä ö",
    "x:y@z",
    "a&b",
    "'q'",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_url_of_a_file_leads_to_that_file_whatever_its_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    url = sqlite_url(folder / "log.db")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
    engine.dispose()
    assert [path.name for path in folder.iterdir()] == ["log.db"]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert sqlite_file_of(url) == folder / "log.db"
    assert sa.make_url(url).database == str(folder / "log.db")


@pytest.mark.parametrize("url", ["postgresql://a:b@c/d", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_have_no_file(url: str) -> None:
    assert sqlite_file_of(url) is None


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a database.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 100,)] * 1_000)
    return path


def test_an_intact_missing_or_empty_file_has_no_damage(database: Path, tmp_path: Path) -> None:
    assert find_damage(database) is None
    assert find_damage(tmp_path / "missing.db") is None
    (tmp_path / "empty.db").touch()
    assert find_damage(tmp_path / "empty.db") is None


@pytest.mark.full
def test_a_database_in_use_has_no_damage(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("INSERT INTO t VALUES ('more')")
        connection.commit()
        connection.execute("BEGIN EXCLUSIVE")
        assert find_damage(database) is None
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        assert find_damage(database) is None


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_recognised_by_its_size(database: Path, share: float) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * share)])
    assert f"it is truncated: {int(len(content) * share)} of {len(content)} bytes" == find_damage(database)


@pytest.mark.parametrize("content", [b"x", b"not a database" * 100, b"SQLite format 3\0", b"\0" * 4096])
def test_a_file_of_another_kind_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    assert find_damage(tmp_path / "x.db") is not None


def test_overwritten_pages_are_damage(database: Path) -> None:
    content = database.read_bytes()
    database.write_bytes(content[:8192] + b"\xaa" * (len(content) - 8192))
    assert find_damage(database) is not None


def test_a_folder_in_its_place_is_damage(tmp_path: Path) -> None:
    assert find_damage(tmp_path) == "it cannot be read: Is a directory"


def test_the_damage_of_a_database_is_described_with_its_file_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "what?" / "x.db"
    path.parent.mkdir()
    assert damage_of_database(sqlite_url(path)) is None
    path.write_bytes(b"no database")
    described = damage_of_database(sqlite_url(path))
    assert described is not None
    assert described.startswith(f"{path} is damaged (file is not a database): restore the file from a backup")
    assert damage_of_database("postgresql://user:secret@host/jobs") is None
