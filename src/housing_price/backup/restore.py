"""Restores a backup as a state folder: completely and unchanged, or not at all."""

import gzip
import os
import secrets
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from housing_price.backup.archive import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    HashedFile,
    Summary,
    UnusableBackup,
    open_archive,
    path_in_state,
    read_document,
)
from housing_price.errors import StackError
from housing_price.stack.state import State

_DAMAGED: Final = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, TypeError, KeyError)
_OF_EVERY_STATE: Final = frozenset({"lock", ".backup.lock"})
_READ_BYTES: Final = 1024 * 1024


def restore(backup: Path, folder: Path, *, replace: bool) -> tuple[Summary, Path | None]:
    """Restore a backup to a state folder.

    Args:
        backup: The file.
        folder: The state folder, which is created.
        replace: Whether a folder that has a state is replaced; it is kept under another name.

    Returns:
        A summary, and the folder to which an earlier state was moved.

    Raises:
        UnusableBackup: The file is not an intact backup. The state folder is unchanged.
        StackError: The folder has a state, or is in use, or cannot be written.
    """
    try:
        with _unused(folder, replace=replace):
            staging = folder.with_name(f".{folder.name}.restore-{secrets.token_hex(4)}")
            try:
                summary = _extract(backup, staging)
                os.sync()
                return summary, _exchange(staging, folder)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        where = error.filename or folder
        raise StackError(f"{where} cannot be written: {error.strerror or error}") from error


@contextmanager
def _unused(folder: Path, *, replace: bool) -> Iterator[None]:
    """Check that the folder may become that of the backup, and keep a stack from starting in it."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield
        return
    if not folder.is_dir():
        raise StackError(f"{folder} (--state-dir) is not a folder")
    with State(folder).lock({"pid": os.getpid(), "ports": {}}):
        if _has_state(folder) and not replace:
            raise StackError(
                f"{folder} has a state: choose another --state-dir, or give --replace, which moves it to another name"
            )
        yield


def _has_state(folder: Path) -> bool:
    return any(path.name not in _OF_EVERY_STATE for path in folder.iterdir())


def _exchange(staging: Path, folder: Path) -> Path | None:
    earlier = None
    if folder.exists():
        if _has_state(folder):
            earlier = folder.with_name(f"{folder.name}.before-{datetime.now(UTC):%Y%m%d-%H%M%S}")
            folder.rename(earlier)
        else:
            shutil.rmtree(folder)
    staging.rename(folder)
    return earlier


def _extract(backup: Path, target: Path) -> Summary:
    """Write the files of a backup and compare their digests.

    Raises:
        UnusableBackup: The file is not an intact backup.
        OSError: A file cannot be written.
    """
    with _as_unusable(backup), open_archive(backup) as (archive, created):
        target.mkdir(mode=0o700)
        digests: dict[str, str] = {}
        content_bytes = 0
        expected = None
        for member in _members(archive):
            if expected is not None:
                raise ValueError("it has content behind its end")
            if member.name == MANIFEST:
                expected = read_document(archive, member, MAX_MANIFEST_BYTES)["sha256"]
                if not isinstance(expected, dict):
                    raise TypeError("its list of digests is not a JSON object")
            elif member.isdir():
                (target / path_in_state(member.name)).mkdir(parents=True, exist_ok=True)
            elif member.isreg():
                digests[member.name] = _write(archive, member, target / path_in_state(member.name))
                content_bytes += member.size
            else:
                raise ValueError(f"its member {member.name!r} is neither a file nor a folder")
        if expected is None:
            raise ValueError("its end is missing")
        _compare(digests, expected)
        return Summary(created, len(digests), content_bytes)


@contextmanager
def _as_unusable(backup: Path) -> Iterator[None]:
    try:
        yield
    except UnusableBackup:
        raise
    except _DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnusableBackup(f"{backup} is damaged, nothing was restored: {reason}") from error


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members behind the header, and read the archive to its end, where gzip has a checksum."""
    while (member := archive.next()) is not None:
        yield member
    while archive.fileobj.read(_READ_BYTES):
        pass


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> str:
    """Write a file that must not exist; returns its digest."""
    source = archive.extractfile(member)
    if source is None:
        raise ValueError(f"its member {member.name!r} has no content")
    hashed = HashedFile(cast("BinaryIO", source))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"it has two members for {member.name!r}") from error
    with os.fdopen(descriptor, "wb") as file:
        hashed.copy_to(file)
        os.fchmod(file.fileno(), member.mode & 0o777 | 0o600)
    os.utime(path, (member.mtime, member.mtime))
    return hashed.sha256


def _compare(digests: dict[str, str], expected: dict[str, str]) -> None:
    for name in sorted(digests.keys() | expected.keys()):
        if name not in digests:
            raise ValueError(f"{name} is missing")
        if digests[name] != expected.get(name):
            raise ValueError(f"{name} differs from its digest")
