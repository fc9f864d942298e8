"""Reads a file of parquet and writes its rows as JSON lines: a program of its own, within bounds of memory.

    python -m housing_price_orchestrator.worker.parquet.read FILE MEGABYTES

A file of parquet says itself how much memory reading it takes, and a hostile one lies. So it is read by a process of
its own, which ends where more than so many megabytes are wanted, or where nobody reads what it writes.

It ends with 0; or with 3, and says on standard error what its caller can do about the file.
"""

import os
import resource
import sys
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_orchestrator.worker.read_rows import check_names, is_whole, nulls_for_missing

UNUSABLE = 3
"""The exit status where the file cannot be used; anything else than that and 0 is a crash."""

_ROWS = 500
"""So many rows are in memory at a time."""
_READ_BYTES = 64 * 1024
_MAX_FOOTER_STRINGS = 1024 * 1024
_MAX_FOOTER_ITEMS = 4 * 1024 * 1024
_MAX_TEXT = 300

type _Column = Callable[[pa.Array], Sequence[object]]


def convert(path: Path, target: BinaryIO) -> None:
    """Write the rows of a file, each as the JSON document that the API would have been sent.

    Raises:
        JobInputUnusable: it is no parquet, or has other columns than a house; says why.
    """
    try:
        with path.open("rb") as file, _opened(file) as parquet:
            columns = _columns(parquet.schema_arrow)
            rest = nulls_for_missing(list(columns))
            for batch in parquet.iter_batches(batch_size=_ROWS, use_threads=False):
                values = [read(batch.column(name)) for name, read in columns.items()]
                for row in zip(*values, strict=True):
                    document = dict(zip(columns, row, strict=True)) | rest
                    target.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, (BrokenPipeError, MemoryError)):
            raise
        raise JobInputUnusable(f"The file is no parquet that can be read: {_short(error)}") from error


def _opened(file: BinaryIO) -> pq.ParquetFile:
    return pq.ParquetFile(
        file,
        # A page at a time, and not a column of a group of rows.
        buffer_size=_READ_BYTES,
        pre_buffer=False,
        thrift_string_size_limit=_MAX_FOOTER_STRINGS,
        thrift_container_size_limit=_MAX_FOOTER_ITEMS,
    )


def _columns(schema: pa.Schema) -> dict[str, _Column]:
    check_names(schema.names, "The columns")
    unusable = [f"{field.name} ({str(field.type)[:40]})" for field in schema if _reader(field) is None]
    if unusable:
        shown = ", ".join(unusable[:10])
        raise JobInputUnusable(f"A column must be of whole numbers, floating-point numbers or text, but: {shown}.")
    return {field.name: read for field in schema if (read := _reader(field)) is not None}


def _reader(field: pa.Field) -> _Column | None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_null(kind):
        return lambda array: list(repeat(None, len(array)))
    if pa.types.is_integer(kind) or _is_text(kind):
        return _as_they_are
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return _whole_where_it_can_be if is_whole(field.name) else _numbers
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _as_they_are(array: pa.Array) -> Sequence[object]:
    return list(array.to_pylist())


def _numbers(array: pa.Array) -> Sequence[object]:
    # JSON has no NaN. What is no number becomes a text, which the contract refuses by name.
    return [value if value is None or value - value == 0 else str(value) for value in array.to_pylist()]


def _whole_where_it_can_be(array: pa.Array) -> Sequence[object]:
    # Whole numbers with nulls among them are floating-point numbers to pandas.
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in _numbers(array)]


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:_MAX_TEXT]


def _bound_memory(megabytes: int) -> None:
    """Let this process have so much more memory than it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, megabytes: str) -> int:
    """Convert a file to standard output; gives the exit status."""
    _bound_memory(int(megabytes))
    try:
        convert(Path(path), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except JobInputUnusable as error:
        sys.stderr.write(str(error))
        return UNUSABLE
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stderr.flush()
    # Without going over what is open: standard output may be gone.
    os._exit(status)
