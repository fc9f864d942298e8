"""Reads a Parquet file and writes its rows as blocks (`blocks.py`); a separate program with a memory limit.

    python -m housing_price_orchestrator.worker.parquet.read FILE MEGABYTES

A Parquet file states how much memory its parts need, and a hostile file can lie. A separate process fails at its
memory limit without harming the worker, and ends when its output is closed.

Exit status: 0, or 3 with a message for the caller on standard error when the file cannot be used.
"""

import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

from housing_price_orchestrator.worker.parquet.limit_memory import limit_memory
from housing_price_orchestrator.worker.parquet.write_blocks import blocks
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.names import check_layout
from housing_price_survey.tabular.parquet.table import ParquetTable

EXIT_UNUSABLE: Final = 3
"""Exit status when the file cannot be used. Any other non-zero status is a crash."""


def convert(path: Path, target: BinaryIO) -> None:
    """Write the rows as blocks.

    Raises:
        UnusableFile: The file is not Parquet, or its columns do not match a house.
    """
    with path.open("rb") as file, ParquetTable(file) as table:
        check_layout(table.layout, "Columns")
        target.writelines(blocks(table))


def main(path: str, megabytes: str) -> int:
    """Convert a file to standard output and return the exit status."""
    limit_memory(int(megabytes))
    try:
        convert(Path(path), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except UnusableFile as error:
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
