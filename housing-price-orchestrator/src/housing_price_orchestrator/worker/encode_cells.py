"""Turns the cells of a CSV file into rows for the model server, column by column, without a document per house.

Most cells of a file repeat. So each column remembers the JSON of the cells that it has seen and found valid. A house
with any other cell is left to the readers of documents, which also explain what is wrong with it.
"""

from collections.abc import Collection, Mapping
from operator import getitem, itemgetter
from typing import Final

import msgspec

from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.record import EncodedHouse, value_type_of
from housing_price_survey.tabular.csv_table import CsvTable, RawRecord
from housing_price_survey.tabular.names import BLANKS, ID_KEY, SPACES, TEXT_KEYS
from housing_price_survey.tabular.numbers import parse_number

MAX_CELLS_PER_COLUMN: Final = 4_096
"""Maximum number of cells that a column remembers: at most 0.5 MB each."""

_MAX_ID_DIGITS: Final = 18
_SPACES: Final = SPACES.encode()
_ABSENT: Final = b""
"""The cell of a column that the file does not have; it means "absent" in every file."""

_encode = msgspec.json.Encoder().encode


class CellEncoder:
    """Encodes the houses of one file. The houses are those that `House` makes of the same cells."""

    def __init__(self, table: CsvTable) -> None:
        """Encode the records of `table`, whose header has been checked."""
        names, layout = list(table.names), table.layout
        self._table = table
        self._count = len(names)
        self._id_at = names.index(layout.names[ID_KEY]) if ID_KEY in layout.names else None
        blanks = BLANKS if layout.is_survey else frozenset((_ABSENT.decode(),))
        features = house_fields()[1:]
        self._columns = [_ColumnCells(field, blanks) for field in features]
        # The cell behind the last one stands for the columns that the file does not have.
        self._cells_of = itemgetter(*(_position(field, layout.names, names) for field in features))

    def house_of(self, raw: RawRecord, number: int) -> EncodedHouse | None:
        """Encode a valid house; None if it must be read as a document. `number` is that of the row, from 1."""
        cells = self._table.plain_cells(raw)
        if cells is None or len(cells) != self._count:
            return None
        house_id = number if self._id_at is None else _id_in(cells[self._id_at])
        if not house_id:
            return None
        cells.append(_ABSENT)
        try:
            row = b",".join(map(getitem, self._columns, self._cells_of(cells)))
        except KeyError:
            return None
        return EncodedHouse(house_id, b"[%b]" % row)


class _ColumnCells(dict[bytes, bytes]):
    """The JSON of each valid cell of one column; a cell that is not valid is a `KeyError`."""

    def __init__(self, field: HouseField, blanks: Collection[str]) -> None:
        super().__init__()
        self._type = value_type_of(field)
        self._blanks = blanks
        self._is_text = field.key in TEXT_KEYS

    def __missing__(self, cell: bytes) -> bytes:
        encoded = _encode(self._value_of(cell))
        if len(self) < MAX_CELLS_PER_COLUMN:
            self[cell] = encoded
        return encoded

    def _value_of(self, cell: bytes) -> str | int | float | None:
        text = cell.strip(_SPACES).decode("ascii")
        is_absent = text in self._blanks
        value = None if is_absent else text if self._is_text else parse_number(text)
        if value is None and not is_absent:
            raise KeyError(cell)
        try:
            valid: str | int | float | None = msgspec.convert(value, self._type)
        except msgspec.ValidationError:
            raise KeyError(cell) from None
        return valid


def _position(field: HouseField, names: Mapping[str, str], header: list[str]) -> int:
    return header.index(names[field.key]) if field.key in names else len(header)


def _id_in(cell: bytes) -> int | None:
    """Return a plain id; None if it is anything else, or not valid."""
    text = cell.strip(_SPACES)
    return int(text) if len(text) <= _MAX_ID_DIGITS and text.isdigit() else None
