"""Writes that replace a file as a whole."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from housing_price_platform.files.new_file import new_file, sync_file, temporary_name
from housing_price_platform.files.temporary_errors import retry

OWNER_ONLY: Final = 0o600
"""Mode of files that other users of the machine must not read."""
READABLE: Final = 0o644
"""Mode of files that other users may read if the permissions of the folder allow it."""


def write_atomically(
    path: Path,
    content: bytes | Callable[[BinaryIO], object],
    *,
    mode: int = OWNER_ONLY,
    owner: tuple[int, int] | None = None,
    parents: bool = False,
    is_durable: bool = True,
    retry_seconds: float = 0.0,
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
        retry_seconds: Time for which to retry after temporary errors, such as a full disk.

    Raises:
        OSError: The file cannot be written. The old file is unchanged, and no temporary file is left.
    """

    def write_once() -> None:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _write(folder, path.name, content, mode=mode, owner=owner, is_durable=is_durable)
        finally:
            os.close(folder)

    retry(write_once, seconds=retry_seconds)


def _write(
    folder: int,
    name: str,
    content: bytes | Callable[[BinaryIO], object],
    *,
    mode: int,
    owner: tuple[int, int] | None,
    is_durable: bool,
) -> None:
    with new_file(folder, name, OWNER_ONLY) as new:
        file = new.content
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fchmod(file.fileno(), mode)
        if is_durable:
            sync_file(file)
        if new.temporary is not None:
            os.replace(new.temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            # Only a name can replace a name, so the file gets a temporary one first.
            temporary = temporary_name(name)
            new.link(temporary)
            try:
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
                raise
    if is_durable:
        os.fsync(folder)
