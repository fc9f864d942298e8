"""Check of the arrays of a comparables model, before NumPy reads them.

An array file may hold a pickle, or a header that asks for more memory than there is. So only plain numbers and bytes
are accepted, with the very header that `numpy.save` writes, and as many bytes after it as it says.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from housing_price_model.artefact.kinds import ARRAYS
from housing_price_model.errors import ArtefactError

MAX_SALES: Final = 1_000_000
"""The largest number of sold houses in a model."""

# Type and number of dimensions of each array; `|S` has any width up to the one of `_MAX_TEXT_BYTES`.
_TYPES: Final[Mapping[str, tuple[str, int]]] = {
    "categories": ("|i1", 2),
    "numbers": ("<f8", 2),
    "prices": ("<f8", 1),
    "ids": ("<i8", 1),
    "pids": ("|S", 1),
}
_MAX_TEXT_BYTES: Final = 128
_MAX_COLUMNS: Final = 1000
_MAX_HEADER_BYTES: Final = 1024

# Format 1.0 of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: magic, header length, header.
_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<type>[|<][a-zA-Z])(?P<width>[1-9][0-9]{0,4})', 'fortran_order': False, "
    rb"'shape': \((?P<rows>[1-9][0-9]{0,8}),(?: (?P<columns>[1-9][0-9]{0,8}))?\), \} *\n",
    re.DOTALL,
)


def check_arrays(model: Path) -> None:
    """Check the arrays of a model folder.

    Raises:
        ArtefactError: A file is not a plain array of the expected type, or the arrays have different lengths.
    """
    rows = {name: _check_array(model / file, *_TYPES[name]) for name, file in ARRAYS.items()}
    if len(set(rows.values())) > 1:
        lengths = ", ".join(f"{name} {count}" for name, count in rows.items())
        raise ArtefactError(f"{model}: rejected: the arrays have different lengths: {lengths}")


def _check_array(path: Path, expected_type: str, dimensions: int) -> int:
    """Check one array file and return the number of its rows."""
    try:
        with path.open("rb") as file:
            head = file.read(_MAX_HEADER_BYTES)
        size = path.stat().st_size
    except OSError as error:
        raise ArtefactError(f"{path}: cannot read the array ({error})") from error
    header = _HEADER.match(head)
    # The length, two bytes after the magic, counts the rest of the header.
    if header is None or header.end() != header.end("length") + int.from_bytes(header["length"], "little"):
        raise ArtefactError(f"{path}: rejected: not an array of plain numbers as numpy.save writes it")
    width, rows, columns = int(header["width"]), int(header["rows"]), int(header["columns"] or 1)
    found = header["type"].decode() + ("" if expected_type == "|S" else str(width))
    if found != expected_type or (header["columns"] is None) != (dimensions == 1):
        raise ArtefactError(
            f"{path}: rejected: the array is not of type {expected_type} with {dimensions} dimension(s)"
        )
    if rows > MAX_SALES or columns > _MAX_COLUMNS or width > _MAX_TEXT_BYTES:
        raise ArtefactError(f"{path}: rejected: the array is larger than {MAX_SALES:,} sales of {_MAX_COLUMNS} columns")
    if size != header.end() + rows * columns * width:
        raise ArtefactError(f"{path}: rejected: the array has another size than its header says")
    return rows
