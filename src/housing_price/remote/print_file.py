"""Prints a downloaded file on standard output."""

import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable
from typing import Final

from housing_price.remote.api import fail
from housing_price_platform.output.terminal import printable

PARQUET: Final = "application/vnd.apache.parquet"


def print_file(media_type: str, blocks: Iterable[bytes]) -> None:
    """Print a file: unchanged into a pipe, as text without control characters on a terminal."""
    if not sys.stdout.isatty():
        # Texts printed before must come first.
        sys.stdout.flush()
        for block in blocks:
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
        return
    if media_type.startswith(PARQUET):
        fail("a Parquet file cannot be shown on a terminal: use -o FILE.")
    # A block may end inside a character.
    decoder = getincrementaldecoder("utf-8")("replace")
    for block in blocks:
        sys.stdout.write(printable(decoder.decode(block).replace("\r\n", "\n")))
    sys.stdout.write(decoder.decode(b"", final=True))
    sys.stdout.write("\n" if media_type.startswith("application/json") else "")
