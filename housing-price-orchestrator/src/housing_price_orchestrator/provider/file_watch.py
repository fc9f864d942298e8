"""Notices that a small file has another content."""

from collections.abc import Callable
from pathlib import Path


class FileWatch[T]:
    """Reads a file again when it has changed. Whoever writes it puts a new file into its place."""

    def __init__(self, path: Path, read: Callable[[], T]) -> None:
        """Watch the file at `path` from now on; `read` reads it, and raises what it likes."""
        self._path = path
        self._read = read
        self._seen = self._fingerprint()

    def changed(self, *, is_retry: bool) -> T | None:
        """Give what the file says where it has changed, or where `is_retry`; None where it has not.

        A change that cannot be read stays one. Blocks: the file may be far away.
        """
        seen = self._fingerprint()
        if seen == self._seen and not is_retry:
            return None
        content = self._read()
        self._seen = seen
        return content

    def _fingerprint(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
