"""Turns blocks of a converted Parquet file into rows for the model server, without a document per house.

Each different value of a block is validated once. A house with an invalid value is left to the readers of documents,
which also explain what is wrong with it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from housing_price_orchestrator.interface.documents.reading import DECODE_ERRORS
from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.record import EncodedHouse, value_type_of
from housing_price_orchestrator.worker.parquet.blocks import Block, BlockColumn

_INVALID: Final = None
"""Stands for a value that is not valid."""

_encode = msgspec.json.Encoder().encode


class BlockEncoder:
    """Encodes the houses of blocks. The houses are those that `House` makes of the same documents."""

    def __init__(self) -> None:
        """Prepare to read the values of each column."""
        self._id, *self._features = [_Field(field) for field in house_fields()]

    def houses_of(self, block: Block, start: int) -> Iterator[EncodedHouse | None]:
        """Yield the houses of a block from the row at `start`; None for one that must be read as a document."""
        absent = BlockColumn([b"null"], bytes(block.rows))
        columns = []
        for field in self._features:
            values, positions = block.columns.get(field.key, absent)
            columns.append(map([field.encoded(value) for value in values].__getitem__, positions[start:]))
        for house_id, cells in zip(self._ids(block, start), zip(*columns, strict=True), strict=True):
            yield _house(house_id, cells)

    def _ids(self, block: Block, start: int) -> Iterator[int | None]:
        column = block.columns.get(self._id.key)
        if column is None:
            return iter(range(block.first + start, block.first + block.rows))
        return map([self._id.decoded(value) for value in column.values].__getitem__, column.positions[start:])


class _Field:
    """Reads the values of a field of a house."""

    def __init__(self, field: HouseField) -> None:
        self.key = field.key
        self._decoder = msgspec.json.Decoder(value_type_of(field))

    def decoded(self, value: bytes) -> int | None:
        """Return the valid id in a JSON text."""
        try:
            house_id: int = self._decoder.decode(value)
        except DECODE_ERRORS:
            return _INVALID
        return house_id

    def encoded(self, value: bytes) -> bytes | None:
        """Return the JSON of a valid value for the model server."""
        try:
            return _encode(self._decoder.decode(value))
        except DECODE_ERRORS:
            return _INVALID


def _house(house_id: int | None, cells: Sequence[bytes | None]) -> EncodedHouse | None:
    if house_id is None:
        return None
    try:
        return EncodedHouse(house_id, b"[%b]" % b",".join(cells))  # type: ignore[arg-type]  # checked by join
    except TypeError:
        # Faster than a look at each cell: nearly all houses are valid.
        return None
