"""Files of blocks: how the process that parses a Parquet file passes its rows on to the worker, which does not.

A block holds some rows, column by column. A column has few different values, so each of them is stored once, as JSON,
and each row as the position of its value. That takes a seventh of the space of a JSON document per row, and a value
is written and validated once for all its rows.

A block is a line of JSON (`Header`), then for each column its values, one per line, and the positions.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, READ_BYTES, TOO_LONG
from housing_price_survey.tabular.names import FEATURE_KEYS, ID_KEY, OPTIONAL_KEYS
from housing_price_survey.tabular.rows import Row

POSITION_TYPE: Final = "H"
"""The type of positions, of the module `array`: 16 bits, in the byte order of the machine."""
POSITION_BYTES: Final = array(POSITION_TYPE).itemsize
MAX_BLOCK_ROWS: Final = 4_000
"""Maximum rows of a block."""
MAX_VALUES_BYTES: Final = 64 * 1024 * 1024
"""Maximum size of the values of a block; blocks of houses have about 50 kB."""

_MAX_HEADER_BYTES: Final = 64 * 1024
_DAMAGED: Final = "The converted file is damaged."


class ColumnSize(msgspec.Struct, frozen=True, array_like=True):
    """A column of a block."""

    key: str
    values_bytes: int


class Header(msgspec.Struct, frozen=True):
    """The first line of a block."""

    first: int
    """The number of its first row, from 1."""
    rows: int
    columns: Sequence[ColumnSize]
    """The columns that the file has: features, and perhaps the id."""


class BlockColumn(NamedTuple):
    """A column of a block."""

    values: Sequence[bytes]
    """The different values as JSON."""
    positions: Sequence[int]
    """The position in `values` of the value of each row."""


class Block(NamedTuple):
    """Some rows of a file."""

    first: int
    """The number of the first row, from 1."""
    rows: int
    columns: Mapping[str, BlockColumn]
    """The columns by key."""
    start: int
    """The byte offset of this block."""
    end: int
    """The byte offset of the next block."""

    def end_of(self, number: int) -> int:
        """Return the byte offset of the block that has the row after the row `number`."""
        return self.end if number == self.first + self.rows - 1 else self.start

    def row(self, number: int) -> Row:
        """Return a row as the document that a caller of the API would send; one without an id gets its number."""
        at, end = number - self.first, self.end_of(number)
        cells = {key: column.values[column.positions[at]] for key, column in self.columns.items()}
        nulls = {key: b"null" for key in FEATURE_KEYS if key in OPTIONAL_KEYS and key not in cells}
        members = {ID_KEY: b"%d" % number, **nulls, **cells}
        document = b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), cell) for key, cell in members.items())
        # As a line of a text file, which ends with LF.
        return Row(None, TOO_LONG, end) if len(document) >= MAX_ROW_BYTES else Row(document, None, end)


class BlockFile:
    """The rows of a file of blocks."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`."""
        self._path = path

    def count(self) -> int:
        """Count the rows, without reading them.

        Raises:
            UnusableFile: The file is damaged.
        """
        rows = 0
        with self._path.open("rb") as file:
            while (header := _header(file)) is not None:
                file.seek(_size(header), 1)
                rows += header.rows
        return rows

    def blocks(self, offset: int = 0) -> Iterator[Block]:
        """Yield the blocks from a byte offset: 0, or that of a block.

        Raises:
            UnusableFile: The file is damaged.
        """
        with self._path.open("rb", READ_BYTES) as file:
            file.seek(offset)
            while (header := _header(file)) is not None:
                columns = {column.key: _column(file, column.values_bytes, header.rows) for column in header.columns}
                end = file.tell()
                yield Block(header.first, header.rows, columns, offset, end)
                offset = end


_decode_header = msgspec.json.Decoder(Header).decode


def _header(file: BinaryIO) -> Header | None:
    """Read the first line of the next block; None at the end of the file."""
    line = file.readline(_MAX_HEADER_BYTES)
    if not line:
        return None
    try:
        header = _decode_header(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableFile(_DAMAGED) from error
    sizes = [column.values_bytes for column in header.columns]
    if not 0 < header.rows <= MAX_BLOCK_ROWS or min(sizes, default=0) < 0 or sum(sizes) > MAX_VALUES_BYTES:
        raise UnusableFile(_DAMAGED)
    return header


def _size(header: Header) -> int:
    return sum(column.values_bytes + header.rows * POSITION_BYTES for column in header.columns)


def _column(file: BinaryIO, values_bytes: int, rows: int) -> BlockColumn:
    values = file.read(values_bytes).split(b"\n")
    content = file.read(rows * POSITION_BYTES)
    if len(content) != rows * POSITION_BYTES:
        raise UnusableFile(_DAMAGED)
    positions = array(POSITION_TYPE, content)
    if max(positions) >= len(values):
        raise UnusableFile(_DAMAGED)
    return BlockColumn(values, positions)
