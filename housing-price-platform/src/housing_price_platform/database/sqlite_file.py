"""SQLite files: their URLs, and a quick check for damage."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url

REMEDY: Final = "restore the file from a backup, or move it away to begin a new one"
"""The remedy for a damaged file, for error messages."""

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_PAGE_SIZE: Final = slice(16, 18)
_PAGE_COUNT: Final = slice(28, 32)
"""Fields of the header (https://sqlite.org/fileformat.html, section 1.3)."""
_MAX_CHECKED_BYTES: Final = 64 * 1024 * 1024
"""Size up to which every page is checked: at most half a second."""
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def sqlite_url(file: Path) -> str:
    """Return the SQLAlchemy URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def sqlite_file_of(url: str) -> Path | None:
    """Return the file of a SQLAlchemy URL; None for other databases and for SQLite in memory.

    Raises:
        sqlalchemy.exc.ArgumentError, ValueError: The text is not a URL.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        return None
    return Path(str(parsed.database))


def damage_of_database(url: str) -> str | None:
    """Describe the damage of the SQLite file of a URL, with its name and what to do; None for other databases.

    Raises:
        sqlalchemy.exc.ArgumentError, ValueError: The text is not a URL.
    """
    file = sqlite_file_of(url)
    damage = None if file is None else find_damage(file)
    return None if damage is None else f"{file} is damaged ({damage}): {REMEDY}"


def find_damage(file: Path) -> str | None:
    """Return what is wrong with a SQLite file; None if it is missing, empty or seems intact.

    Checks every page of a small file. Of a large one it reads the header and the schema, and compares the size.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            header = opened.read(_HEADER_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    if not header:
        return None
    if not header.startswith(_MAGIC):
        return "file is not a database"
    return _find_truncation(header, size) or _find_damaged_page(file, size)


def _find_truncation(header: bytes, size: int) -> str | None:
    """Compare the size with the header. SQLite itself reports a missing page only when it is read."""
    page_bytes = int.from_bytes(header[_PAGE_SIZE], "big")
    expected = int.from_bytes(header[_PAGE_COUNT], "big") * (65_536 if page_bytes == 1 else page_bytes)
    if size < max(expected, _HEADER_BYTES):
        return f"it is truncated: {size} of {expected} bytes"
    return None


def _find_damaged_page(file: Path, size: int) -> str | None:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if size <= _MAX_CHECKED_BYTES:
                (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                return None if found == "ok" else str(found).splitlines()[-1]
    except sqlite3.DatabaseError as error:
        # Others, such as a locked database, say nothing about the file.
        return str(error) if error.sqlite_errorcode & 0xFF in _DAMAGE else None
    return None
