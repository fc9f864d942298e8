"""A small file system of its own, to be filled by tests of all packages."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A file system of 1 MiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Use all of its space."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Free the space that `fill` used."""
        self._ballast.unlink()

    def names(self) -> list[str]:
        """Return the names of all files except the ballast."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file() and path != self._ballast)


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    """Mount a tmpfs; skips the test where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {ended.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
