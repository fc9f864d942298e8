"""A consistent copy of the state folder, also while its services run.

Workers survive a kill at any moment: a job goes on from its last checkpoint, which is in the jobs database. So the copy
has the state of one moment: while the jobs database is locked for writing, no worker passes a checkpoint, and all files
get a second name (a hard link), which takes milliseconds. Databases are copied with SQLite's backup API.
"""

import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from housing_price.errors import StackError
from housing_price.stack.state import State
from housing_price_platform.database.sqlite_file import REMEDY, find_damage

_STAGING: Final = ".backup-"
_LOCK: Final = ".backup.lock"
_LOCK_WAIT_SECONDS: Final = 30.0
_DATABASE: Final = ".db"
_MAGIC: Final = b"SQLite format 3\0"
_BESIDE_DATABASES: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Snapshot:
    """A copy of a state folder."""

    folder: Path
    """The folder with the copy."""
    databases: int
    """Number of databases in it."""
    skipped: tuple[str, ...]
    """Paths that are neither files nor folders, such as links to folders."""


@contextmanager
def snapshot(state: State) -> Iterator[Snapshot]:
    """Yield a copy of the state folder, which is removed afterwards.

    Raises:
        StackError: The folder has no state, a database is damaged or stays locked, or another backup is running.
        OSError: A file cannot be read or written.
    """
    if not state.folder.is_dir() or not any(state.folder.iterdir()):
        raise StackError(f"{state.folder} (--state-dir) has no state of `housing-price up`")
    with _only_backup(state.folder), tempfile.TemporaryDirectory(prefix=_STAGING, dir=state.folder) as staging:
        folder = Path(staging)
        databases = [path for path in _files_of(state.folder) if _is_database(path)]
        for database in (state.database, state.predictions, state.jobs):
            if database not in databases and database.is_file() and database.stat().st_size:
                raise _damaged(database, "file is not a database")
        with _paused_jobs(state.jobs):
            for database in databases:
                # The prediction log depends on no other file, and copying it may take minutes.
                if database != state.predictions:
                    _copy_database(database, folder / database.relative_to(state.folder))
            skipped = _link_files(state.folder, folder, set(databases))
        if state.predictions in databases:
            _copy_database(state.predictions, folder / state.predictions.relative_to(state.folder))
        yield Snapshot(folder, len(databases), tuple(skipped))


@contextmanager
def _only_backup(folder: Path) -> Iterator[None]:
    """Hold the lock of backups, and remove what a killed one has left."""
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(f"another backup of {folder} is running") from error
        for left in folder.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def _paused_jobs(database: Path) -> Iterator[None]:
    """Keep workers from passing a checkpoint; they wait, as they do for each other."""
    if not _is_database(database):
        yield
        return
    with closing(_connect(database)) as connection:
        connection.isolation_level = None
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise StackError(f"{database} stays locked by another process: {error}") from error
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _connect(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=_LOCK_WAIT_SECONDS)


def _copy_database(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(_connect(source)) as reading, closing(sqlite3.connect(target)) as copy:
            reading.backup(copy)
            # A file of its own, without those of the WAL mode; the services turn that mode on again.
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _damaged(source, str(error)) from error
        raise StackError(f"{source} cannot be copied: {error}") from error
    # The copy rests, while the header of the original may be ahead of its size during a checkpoint.
    if damage := find_damage(target):
        raise _damaged(source, damage)
    target.chmod(source.stat().st_mode & 0o777)


def _damaged(database: Path, damage: str) -> StackError:
    return StackError(f"{database} is damaged ({damage}), so there is no backup: {REMEDY}")


def _is_database(path: Path) -> bool:
    if path.suffix != _DATABASE or not path.is_file():
        return False  # opening a pipe would wait for a writer
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _files_of(folder: Path) -> Iterator[Path]:
    """Yield every path below the folder except for locks of the folder and files that belong to databases."""
    for root, folders, files in os.walk(folder):
        at = Path(root)
        if at == folder:
            folders[:] = [name for name in folders if not name.startswith(_STAGING)]
        for name in (*folders, *files):
            belongs_to_database = name.endswith(tuple(f"{_DATABASE}{ending}" for ending in _BESIDE_DATABASES))
            if not belongs_to_database and (at != folder or name not in {_LOCK, "lock"}):
                yield at / name


def _link_files(source: Path, target: Path, databases: set[Path]) -> list[str]:
    """Give every file a second name below `target`; returns the paths that are neither files nor folders."""
    skipped = []
    for path in _files_of(source):
        new = target / path.relative_to(source)
        try:
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                new.mkdir(parents=True, exist_ok=True)
            elif path in databases:
                continue
            elif stat.S_ISREG(mode):
                _link_or_copy(path, new)
            elif path.is_file():
                shutil.copy2(path, new)  # a link to a file: its content
            else:
                skipped.append(str(path.relative_to(source)))
        except FileNotFoundError:
            continue  # deleted since it was listed
    return skipped


def _link_or_copy(path: Path, new: Path) -> None:
    try:
        os.link(path, new)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(path, new)  # this file system has no hard links
