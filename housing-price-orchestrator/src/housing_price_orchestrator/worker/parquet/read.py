"""Reads a Parquet file and writes its rows as JSON lines; a separate program with a memory limit.

    python -m housing_price_orchestrator.worker.parquet.read FILE MEGABYTES

A Parquet file states how much memory its parts need, and a hostile file can lie. A separate process fails at its
memory limit without harming the worker, and ends when its output is closed.

Exit status: 0, or 3 with a message for the caller on standard error when the file cannot be used.
"""

import os
import resource
import sys
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_orchestrator.worker.read_rows import check_names, nulls_for_absent_keys, takes_whole_numbers_only

EXIT_UNUSABLE: Final = 3
"""Exit status when the file cannot be used. Any other non-zero status is a crash."""

_BATCH_ROWS: Final = 500
"""Rows read into memory at a time."""
_READ_BYTES: Final = 64 * 1024
_MAX_FOOTER_STRINGS: Final = 1024 * 1024
_MAX_FOOTER_ITEMS: Final = 4 * 1024 * 1024
_MAX_MESSAGE_CHARACTERS: Final = 300

type _ColumnReader = Callable[[pa.Array], Sequence[object]]


def convert(path: Path, target: BinaryIO) -> None:
    """Write each row as the JSON document that a caller of the API would send.

    Raises:
        JobInputUnusable: the file is not Parquet, or its columns do not match a house.
    """
    try:
        with path.open("rb") as file, _open(file) as parquet:
            columns = _column_readers(parquet.schema_arrow)
            absent = nulls_for_absent_keys(list(columns))
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                values = [read(batch.column(name)) for name, read in columns.items()]
                for row in zip(*values, strict=True):
                    document = dict(zip(columns, row, strict=True)) | absent
                    target.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, (BrokenPipeError, MemoryError)):
            raise
        raise JobInputUnusable(f"Not a readable Parquet file: {_one_line(error)}") from error


def _open(file: BinaryIO) -> pq.ParquetFile:
    return pq.ParquetFile(
        file,
        # Read page by page, not a whole column of a row group.
        buffer_size=_READ_BYTES,
        pre_buffer=False,
        thrift_string_size_limit=_MAX_FOOTER_STRINGS,
        thrift_container_size_limit=_MAX_FOOTER_ITEMS,
    )


def _column_readers(schema: pa.Schema) -> dict[str, _ColumnReader]:
    check_names(schema.names, "Columns")
    unusable = [f"{field.name} ({str(field.type)[:40]})" for field in schema if _reader_for(field) is None]
    if unusable:
        shown = ", ".join(unusable[:10])
        raise JobInputUnusable(f"Columns must hold integers, floating-point numbers or text. Unsupported: {shown}.")
    return {field.name: read for field in schema if (read := _reader_for(field)) is not None}


def _reader_for(field: pa.Field) -> _ColumnReader | None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_null(kind):
        return lambda array: list(repeat(None, len(array)))
    if pa.types.is_integer(kind) or _is_text(kind):
        return _unchanged
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return _whole_numbers if takes_whole_numbers_only(field.name) else _numbers
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _unchanged(array: pa.Array) -> Sequence[object]:
    return list(array.to_pylist())


def _numbers(array: pa.Array) -> Sequence[object]:
    # JSON has no NaN or infinity. As text, validation rejects the value and names the field.
    return [value if value is None or value - value == 0 else str(value) for value in array.to_pylist()]


def _whole_numbers(array: pa.Array) -> Sequence[object]:
    # pandas stores integer columns with nulls as floating-point numbers.
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in _numbers(array)]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_MAX_MESSAGE_CHARACTERS]


def _limit_memory(megabytes: int) -> None:
    """Limit this process to its current memory plus `megabytes`, and disable core dumps."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, megabytes: str) -> int:
    """Convert a file to standard output and return the exit status."""
    _limit_memory(int(megabytes))
    try:
        convert(Path(path), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except JobInputUnusable as error:
        sys.stderr.write(str(error))
        return EXIT_UNUSABLE
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stderr.flush()
    # Skip interpreter shutdown: flushing a closed standard output would fail.
    os._exit(status)
