"""Files in a folder of this machine, out of which no name and no link leads."""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.locations import Location

_SCHEME = "file://"


class FolderStore:
    """A `Store` of `file:///FOLDER/`: from that folder on each name is opened by itself, and links are not followed."""

    @contextlib.contextmanager
    def reading(self, location: Location, /) -> Iterator[BinaryIO]:
        """Open a file."""
        with _folder_of(location) as folder:
            # Not blocking: a pipe would wait for its writer before we see that it is one.
            descriptor = os.open(location.names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise IsADirectoryError("no file")
            yield file

    def exists(self, location: Location, /) -> bool:
        """Tell whether there is something of this name."""
        with _folder_of(location) as folder:
            try:
                os.stat(location.names[-1], dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return False
        return True

    def write(self, source: Path, location: Location, /) -> None:
        """Copy a file there, as a whole or not at all."""
        name = location.names[-1]
        beside = f".{name[:100]}.{secrets.token_hex(8)}.part"
        with _folder_of(location) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            try:
                with source.open("rb") as made, os.fdopen(os.open(beside, flags, 0o666, dir_fd=folder), "wb") as file:
                    shutil.copyfileobj(made, file, BLOCK_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside, dir_fd=folder)
                raise
            os.fsync(folder)


@contextlib.contextmanager
def _folder_of(location: Location) -> Iterator[int]:
    """Open the folder that a file is in; the last part of the way is walked name by name."""
    descriptor = os.open(location.prefix.removeprefix(_SCHEME), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in location.names[:-1]:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
