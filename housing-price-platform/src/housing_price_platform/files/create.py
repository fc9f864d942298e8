"""Creates files that must not exist yet. Nothing is ever replaced, whatever other processes do meanwhile."""

import os
from collections.abc import Callable
from typing import BinaryIO

from housing_price_platform.files.new_file import new_file, sync_file


def create_file(folder: int, name: str, write: Callable[[BinaryIO], object], *, mode: int = 0o666) -> None:
    """Create a file in an open folder; readers see nothing or the complete file. It survives a power failure.

    Args:
        folder: Descriptor of the folder.
        name: Name of the new file. A symbolic link with this name counts as an existing file.
        write: Writes the content to an open file.
        mode: The permissions of the file, before the umask.

    Raises:
        FileExistsError: The name exists, on some file systems also in other letter case. That file is unchanged.
        OSError: The file cannot be written; nothing is left of it.
    """
    with new_file(folder, name, mode) as new:
        write(new.content)
        sync_file(new.content)
        new.link(name)
    os.fsync(folder)
