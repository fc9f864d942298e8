"""Standard output and error of services, whose writes never fail: a full disk under a log must not stop a service."""

import contextlib
import io
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Final, TextIO

from housing_price_platform.output.terminal import CleanStream

type DescribeLoss = Callable[[int, str], str]
"""Makes the line that reports lost lines, from their number and the reason."""


def describe_loss(lost: int, reason: str) -> str:
    """Describe lost lines in plain text."""
    return f"{lost} log line(s) were lost: {reason}"


class LogOutput(io.TextIOBase):
    """A text stream that writes at once, and drops what cannot be written.

    It tries again with every write. The first one that succeeds is preceded by a line that counts the lost ones.
    Python's own text streams keep what they could not write, and raise the error again and at the end of the process.
    """

    def __init__(self, file: TextIO, *, describe: DescribeLoss = describe_loss) -> None:
        """Write to the descriptor of `file`, or to `file` itself if it has none."""
        super().__init__()
        self._file = file
        self._describe = describe
        self._lock = threading.RLock()
        self._lost = 0
        self._reason = ""
        self._is_mid_line = False
        self._descriptor = _descriptor_of(file)
        self._encoding: Final = file.encoding or "utf-8"

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base class has a writable attribute
        """The encoding of the text."""
        return self._encoding

    @property
    def buffer(self) -> IO[bytes]:
        """The binary stream below, for programs that write bytes."""
        return self._file.buffer

    def write(self, text: str, /) -> int:
        """Write a text, or drop it; returns its length."""
        with self._lock:
            try:
                if self._lost:
                    self._write_now(f"{self._describe(self._lost, self._reason)}\n")
                    self._lost = 0
                self._write_now(text)
            except (OSError, ValueError) as error:
                self._lost += max(text.count("\n"), 1)
                self._reason = getattr(error, "strerror", None) or str(error)
        return len(text)

    def _write_now(self, text: str) -> None:
        if self._descriptor is None:
            self._file.write(text)
            self._file.flush()
            return
        rest = memoryview(text.encode(self._encoding, errors="backslashreplace"))
        if self._is_mid_line and self._lost:
            # A disk that runs full takes the beginning of a line.
            _write_all(self._descriptor, memoryview(b"\n"))
            self._is_mid_line = False
        while rest:
            written = _write_some(self._descriptor, rest)
            self._is_mid_line = rest[written - 1] != ord("\n")
            rest = rest[written:]

    def writable(self) -> bool:
        """Return True."""
        return True

    def flush(self) -> None:
        """Do nothing: every write is written at once."""

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._file.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self._file.fileno()

    def close(self) -> None:
        """Do nothing: the descriptor belongs to the process."""


def keep_running_without_log() -> None:
    """Make prints and logs of this process never fail. Call it before logging is configured.

    For services only: a command whose output is its result must fail when it cannot be written.
    """
    sys.stdout = _tolerant(sys.stdout)
    sys.stderr = _tolerant(sys.stderr)


def _tolerant(stream: Any) -> Any:
    if stream is None or isinstance(stream, LogOutput):
        return stream
    if isinstance(stream, CleanStream):
        stream.trusted = _tolerant(stream.trusted)
        return stream
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    return LogOutput(stream)


def _descriptor_of(file: TextIO) -> int | None:
    try:
        return file.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _write_all(descriptor: int, rest: memoryview) -> None:
    while rest:
        rest = rest[_write_some(descriptor, rest) :]


def _write_some(descriptor: int, rest: memoryview) -> int:
    while True:
        try:
            return os.write(descriptor, rest)
        except BlockingIOError:
            # A pipe that another program has made non-blocking: wait for its reader, like a blocking write.
            select.select([], [descriptor], [])
