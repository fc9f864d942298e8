"""Atomic writes, and reads that allow a missing file and limit the size."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

OWNER_ONLY: Final = 0o600
"""Mode of files that other users of the machine must not read."""
READABLE: Final = 0o644
"""Mode of files that other users may read if the permissions of the folder allow it."""

_TEMPORARY_NAME_CHARACTERS: Final = 100


class FileTooLarge(ValueError):
    """The file is larger than the reader accepts."""


def write_atomically(
    path: Path,
    content: bytes | Callable[[BinaryIO], object],
    *,
    mode: int = OWNER_ONLY,
    owner: tuple[int, int] | None = None,
    parents: bool = False,
    is_durable: bool = True,
) -> None:
    """Replace a file, so that readers see either the old content or all of the new content.

    Args:
        path: The file. A symbolic link is replaced, not followed.
        content: The new content, or a function that writes it to an open file.
        mode: The permissions of the file.
        owner: User id and group id of the file; None for those of this process.
        parents: Whether to create missing folders.
        is_durable: Whether the content must survive a power failure: file and folder are then synced before the
            function returns.

    Raises:
        OSError: The file cannot be written. The old file is unchanged, and no temporary file is left.
    """
    if parents:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:_TEMPORARY_NAME_CHARACTERS]}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            if mode != OWNER_ONLY:
                os.fchmod(file.fileno(), mode)
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            if is_durable:
                sync_file(file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if is_durable:
        sync_folder(path.parent)


def read_if_exists(path: Path, *, max_bytes: int | None = None) -> bytes | None:
    """Read a file; returns None if it does not exist.

    Raises:
        FileTooLarge: The file has more than `max_bytes`; the rest was not read.
        OSError: The file exists and cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read() if max_bytes is None else file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    if max_bytes is not None and len(content) > max_bytes:
        raise FileTooLarge(f"{path}: larger than {max_bytes} bytes")
    return content


def sync_file(file: BinaryIO) -> None:
    """Write the content of an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk. Without this, a power failure can lose a new or renamed file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
