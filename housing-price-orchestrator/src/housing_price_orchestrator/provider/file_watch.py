"""Detects changes of a small file."""

from collections.abc import Callable
from pathlib import Path


class FileWatch[T]:
    """Re-reads a file when it has changed. Writers must replace the file atomically."""

    def __init__(self, path: Path, read: Callable[[], T]) -> None:
        """Watch the file at `path` from now on; `read` reads and parses it, and may raise any error."""
        self._path = path
        self._read = read
        self._last_fingerprint = self._fingerprint()

    def read_if_changed(self, *, is_retry: bool) -> T | None:
        """Return the content if the file has changed or `is_retry` is set, else None.

        If reading fails, the next call reads again. Blocks: the file may be on a network file system.
        """
        fingerprint = self._fingerprint()
        if fingerprint == self._last_fingerprint and not is_retry:
            return None
        content = self._read()
        self._last_fingerprint = fingerprint
        return content

    def _fingerprint(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
