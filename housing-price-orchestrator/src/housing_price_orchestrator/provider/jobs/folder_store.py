"""Files in a local folder that no name and no symbolic link can escape."""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.locations import Location
from housing_price_platform.files import create_file

_SCHEME: Final = "file://"


class FolderStore:
    """A `Store` for `file:///FOLDER/`: opens each path component below the folder without following links."""

    @contextlib.contextmanager
    def open_file(self, location: Location, /) -> Iterator[BinaryIO]:
        """Open a file for reading."""
        with _folder_of(location) as folder:
            # O_NONBLOCK: opening a named pipe would block before its type can be checked.
            descriptor = os.open(location.names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise IsADirectoryError("not a regular file")
            yield file

    def exists(self, location: Location, /) -> bool:
        """Return whether the name exists, whatever its type."""
        with _folder_of(location) as folder:
            try:
                os.stat(location.names[-1], dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return False
        return True

    def create(self, source: Path, location: Location, /) -> None:
        """Copy a file to a name that does not exist."""
        with _folder_of(location) as folder, source.open("rb") as content:
            create_file(folder, location.names[-1], lambda file: shutil.copyfileobj(content, file, BLOCK_BYTES))

    def remove(self, location: Location, /) -> None:
        """Delete a file."""
        with _folder_of(location) as folder:
            os.unlink(location.names[-1], dir_fd=folder)


def is_local(location: Location) -> bool:
    """Return whether a location is in a local folder."""
    return location.prefix.startswith(_SCHEME)


@contextlib.contextmanager
def _folder_of(location: Location) -> Iterator[int]:
    """Open the folder of a file, following no link below the allowed prefix."""
    descriptor = os.open(location.prefix.removeprefix(_SCHEME), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in location.names[:-1]:
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = child
        yield descriptor
    finally:
        os.close(descriptor)
