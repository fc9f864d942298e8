"""New files without a name: the system removes their content if the process ends before they get one."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_COPY_BYTES: Final = 1024 * 1024
_MAX_NAME_BYTES: Final = 100


@dataclass(frozen=True)
class NewFile:
    """A file that is being written."""

    content: BinaryIO
    """The open file."""
    folder: int
    """Descriptor of the folder that it belongs to."""
    temporary: str | None
    """Its temporary name; None if it has no name."""
    mode: int
    """Its permissions, before the umask."""

    def link(self, name: str) -> None:
        """Give the file a name.

        Where hard links are impossible the content is copied to the name, so that readers may see a part of it.

        Raises:
            FileExistsError: The name exists; it is unchanged.
            OSError: The name cannot be created.
        """
        source = f"/proc/self/fd/{self.content.fileno()}" if self.temporary is None else self.temporary
        try:
            os.link(
                source,
                name,
                src_dir_fd=self.folder,
                dst_dir_fd=self.folder,
                follow_symlinks=self.temporary is None,  # the path in /proc is a link to the file
            )
        except FileExistsError:
            raise
        except OSError:
            self._copy_to(name)

    def _copy_to(self, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, self.mode, dir_fd=self.folder), "wb") as file:
            try:
                os.fchmod(file.fileno(), os.fstat(self.content.fileno()).st_mode & 0o7777)
                self.content.seek(0)
                shutil.copyfileobj(self.content, file, _COPY_BYTES)
                sync_file(file)
            except BaseException:
                os.unlink(name, dir_fd=self.folder)  # this call created it
                raise


@contextlib.contextmanager
def new_file(folder: int, name: str, mode: int) -> Iterator[NewFile]:
    """Open a new file, without a name or, where the file system needs one, with a temporary name.

    Args:
        folder: Descriptor of the folder.
        name: The name that the file will get; the temporary name begins with it.
        mode: The permissions of the file, before the umask.

    Raises:
        OSError: The file cannot be created.
    """
    temporary = None
    descriptor = _open_unnamed(folder, mode)
    if descriptor is None:
        temporary = temporary_name(name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, mode, dir_fd=folder)
    with os.fdopen(descriptor, "w+b") as content:
        try:
            yield NewFile(content, folder, temporary, mode)
        finally:
            if temporary is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)


def _open_unnamed(folder: int, mode: int) -> int | None:
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR, mode, dir_fd=folder)
    except OSError:
        return None  # this file system has only files with names


def temporary_name(name: str) -> str:
    """Return an unused hidden name that begins with `name` and is short enough for every file system."""
    start = os.fsencode(name)[:_MAX_NAME_BYTES].decode(errors="ignore")
    return f".{start}.{secrets.token_hex(8)}"


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
