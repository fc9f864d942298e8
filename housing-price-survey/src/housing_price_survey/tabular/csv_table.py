"""Reads CSV files (RFC 4180) whose cells are separated by commas, tabs or semicolons."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from housing_price_survey.tabular.csv_cells import DELIMITERS, split_plain_record, split_record
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK, HEAD_BYTES, check_encoding
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, READ_BYTES, TOO_LONG, lines_with_end
from housing_price_survey.tabular.names import BLANKS, PID_KEY, SPACES, TEXT_KEYS, Layout, count_known, layout_of
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.records import Record

_OTHER_DELIMITERS: Final = "|:^~"
_EXCEL_SEPARATOR: Final = re.compile(rb"sep=.")
_MAX_SHOWN: Final = 40


class RawRecord(NamedTuple):
    """One record of a file, before it is split into cells."""

    line: int
    """The number of the line at which the record begins, from 1."""
    text: bytes | None
    """The record with its line end; None if it cannot be read."""
    problem: str | None
    """Why the record cannot be read."""
    end: int
    """The byte offset of the next record."""


class CsvTable:
    """The records of a CSV file.

    A record is one line, or several if a line end is inside quotation marks. Only LF and CRLF end a line. Blank lines
    are skipped. Spaces around cells are trimmed.
    """

    def __init__(self, path: Path, *, with_price: bool = False) -> None:
        """Read the header of the file at `path`; `with_price` includes the sale price.

        Raises:
            UnusableFile: The file is empty, is not text in UTF-8, or its header has no known name.
            OSError: The file cannot be read.
        """
        self._path = path
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            check_encoding(head)
            file.seek(0)
            header, self._start, self._header_line = _first_line(file)
        self.delimiter, names = _header_cells(header)
        self._delimiter_bytes = self.delimiter.encode()
        self.names = names
        self.layout: Layout = layout_of(names, with_price=with_price)
        self._converters = _converters(names, self.layout)

    @property
    def subject(self) -> str:
        """The header as the subject of a message, with the delimiter that was detected."""
        return f"The header (cells separated by {DELIMITERS[self.delimiter]})"

    def records(self, offset: int = 0) -> Iterator[Record]:
        """Yield the records from a byte offset: 0, or the `end` of a record.

        Line numbers are those of the file only from offset 0. A record of several lines that is invalid, or whose
        quotation mark is not closed, ends at its first line, so that it cannot take other records with it.
        """
        for raw in self.raw_records(offset):
            yield self.parse(raw)

    def raw_records(self, offset: int = 0) -> Iterator[RawRecord]:
        """Yield the text of each record that `records` yields, in a tenth of the time."""
        offset = max(offset, self._start)
        with self._path.open("rb", READ_BYTES) as file:
            file.seek(offset)
            number = self._header_line
            lines = lines_with_end(file, offset)
            while (found := next(lines, None)) is not None:
                line, end = found
                number += 1
                if line is None:
                    yield RawRecord(number, None, TOO_LONG, end)
                elif line.count(b'"') % 2:
                    record, count = self._record_of_lines(file, number, line, end)
                    yield record
                    number += count - 1
                    file.seek(record.end)
                    lines = lines_with_end(file, record.end)
                elif not line.isspace():
                    yield RawRecord(number, line, None, end)

    def parse(self, raw: RawRecord) -> Record:
        """Return the values of a record of this file."""
        if raw.text is None:
            return Record(raw.line, None, raw.problem, raw.end)
        return self._record(raw.line, raw.text, raw.end)

    def plain_cells(self, raw: RawRecord) -> list[bytes] | None:
        """Split a record of ASCII text without quotation marks; None if it is not as plain as that.

        The cells may have spaces around them. There may be fewer or more of them than names.
        """
        return None if raw.text is None else split_plain_record(raw.text, self._delimiter_bytes)

    def _record_of_lines(self, file: BinaryIO, number: int, first: bytes, first_end: int) -> tuple[RawRecord, int]:
        """Read a record whose first line opens a quotation mark; returns it and how many lines it takes."""
        problem = "a quotation mark is not closed"
        text, end, count = first, first_end, 1
        file.seek(end)
        for line, line_end in lines_with_end(file, end):
            if line is None or len(text) + len(line) > MAX_ROW_BYTES:
                break
            text, end, count = text + line, line_end, count + 1
            if line.count(b'"') % 2:
                record = self._record(number, text, end)
                if record.values is not None:
                    return RawRecord(number, text, None, end), count
                problem = f"a quotation mark is not closed on this line; with the next lines: {record.problem}"
                break
        return RawRecord(number, None, problem, first_end), 1

    def _record(self, number: int, line: bytes, end: int) -> Record:
        try:
            cells = split_record(line, self.delimiter)
        except ValueError as error:
            return Record(number, None, str(error), end)
        if len(cells) != len(self.names):
            separated = f"cells separated by {DELIMITERS[self.delimiter]}"
            return Record(number, None, f"expected {len(self.names)} {separated}, found {len(cells)}", end)
        values = {key: convert(cells[index].strip(SPACES)) for key, index, convert in self._converters}
        return Record(number, values, None, end)


def _first_line(file: BinaryIO) -> tuple[bytes, int, int]:
    """Return the first line that is not blank, without byte order mark, its end offset and its number."""
    for number, (line, end) in enumerate(lines_with_end(file, 0), 1):
        if line is None:
            raise UnusableFile(f"The first line is longer than {MAX_ROW_BYTES} bytes. It must be a header.")
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if text.strip() and not _EXCEL_SEPARATOR.fullmatch(text.strip()):
            return text, end, number
    raise UnusableFile("The file is empty. The first line must be a header with the names of the columns.")


def _header_cells(line: bytes) -> tuple[str, Sequence[str]]:
    """Detect the delimiter: the one that yields most known names; returns it and the names."""
    if b"\r" in line.rstrip(b"\r\n"):
        raise UnusableFile("The lines end with CR alone. End them with LF or CRLF.")
    found = {delimiter: _names(line, delimiter) for delimiter in DELIMITERS}
    delimiter = max(found, key=lambda one: _count(found[one]))
    if _count(found[delimiter]) > 0:
        return delimiter, found[delimiter]
    for other in _OTHER_DELIMITERS:
        if _count(_names(line, other)) > 1:
            raise UnusableFile(f"The cells are separated by {other!r}. Use commas, tabs or semicolons.")
    delimiter = max(found, key=lambda one: len(found[one]))
    try:
        first = split_record(line, delimiter)[0][:_MAX_SHOWN]
    except ValueError as error:
        raise UnusableFile(f"The header cannot be read: {error}.") from error
    separated = f"cells separated by {DELIMITERS[delimiter]}"
    raise UnusableFile(
        f"The header (first line, {separated}) has no known name: it must match the keys of a house or the names of "
        f"the survey. Unknown: {first!r}."
    )


def _names(line: bytes, delimiter: str) -> Sequence[str]:
    """Split a header; a header with quotation marks cannot be split at every delimiter."""
    try:
        return [cell.strip(SPACES) for cell in split_record(line, delimiter)]
    except ValueError:
        return []


def _count(names: Sequence[str]) -> int:
    return max(count_known(names, is_survey=one) for one in (True, False))


def _converters(names: Sequence[str], layout: Layout) -> list[tuple[str, int, Callable[[str], object]]]:
    """Return, for each column of a house, its key, its position in a record, and how its cells are read."""
    blanks = BLANKS if layout.is_survey else frozenset(("",))

    def to_text(cell: str) -> object:
        return None if cell in blanks else cell

    def to_number(cell: str) -> object:
        if cell in blanks:
            return None
        number = parse_number(cell)
        # Anything else stays text, which validation rejects and names.
        return cell if number is None else number

    texts = TEXT_KEYS | {PID_KEY}  # a parcel number may begin with zeros
    return [(key, names.index(name), to_text if key in texts else to_number) for key, name in layout.names.items()]
