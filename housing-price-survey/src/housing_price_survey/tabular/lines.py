"""Reads the lines of a file from a byte offset, in constant memory."""

from collections.abc import Iterator
from typing import BinaryIO, Final

MAX_ROW_BYTES: Final = 64 * 1024
"""Longest accepted row. A house takes about 1.7 kB as JSON."""

READ_BYTES: Final = 64 * 1024
"""Buffer for files of rows: several rows per system call."""

TOO_LONG: Final = f"the row is longer than {MAX_ROW_BYTES} bytes"
"""The problem of a row that is too long."""


def lines_with_end(file: BinaryIO, offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line, with its line end, and its end offset. Only LF ends a line.

    A line longer than `MAX_ROW_BYTES` is skipped, and None yielded instead.
    """
    while line := file.readline(MAX_ROW_BYTES + 1):
        offset += len(line)
        if len(line) <= MAX_ROW_BYTES:
            yield line, offset
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_ROW_BYTES)
            offset += len(line)
        yield None, offset
