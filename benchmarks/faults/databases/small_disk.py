"""A small disk in memory (tmpfs) that can be filled up and freed."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MOUNT_SECONDS: Final = 10

_BLOCK: Final = bytes(64 * 1024)


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Use up all the space that is left."""
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(_BLOCK):
                pass

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of this size.

    Raises:
        OSError: this user may not mount file systems.
    """
    with TemporaryDirectory(prefix="housing-price-disk-") as name:
        _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", name)
        try:
            yield SmallDisk(Path(name))
        finally:
            # Detached at once, even while a process that is about to end still uses it.
            _run("umount", "--lazy", name)


@cache
def can_mount() -> bool:
    """Return whether this user may mount a small disk."""
    if os.geteuid() != 0:
        return False
    try:
        with small_disk(1):
            return True
    except OSError:
        return False


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_SECONDS, check=False)  # noqa: S603 - mount and umount
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
