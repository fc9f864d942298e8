"""Opens a file of houses, whatever its format."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

from housing_price_survey.tabular.csv_table import CsvTable
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK, HEAD_BYTES
from housing_price_survey.tabular.names import Layout
from housing_price_survey.tabular.ndjson_table import NdjsonTable
from housing_price_survey.tabular.records import Record

type Format = Literal["csv", "ndjson", "parquet"]


class Table(Protocol):
    """The records of a file."""

    @property
    def layout(self) -> Layout | None:
        """The columns of the file; None if each record has its own."""
        ...

    def records(self) -> Iterator[Record]:
        """Yield the records of the file."""
        ...


def format_of(path: Path) -> Format:
    """Recognise the format of a file by its first bytes; a file that is neither Parquet nor NDJSON is read as CSV.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return "parquet"
    return "ndjson" if head.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{") else "csv"


@contextlib.contextmanager
def open_table(path: Path, *, with_price: bool = False) -> Iterator[Table]:
    """Open a file; `with_price` includes the sale price.

    Raises:
        UnusableFile: The file cannot be read as a table of houses.
        OSError: The file cannot be read.
    """
    match format_of(path):
        case "csv":
            yield CsvTable(path, with_price=with_price)
        case "ndjson":
            yield NdjsonTable(path, with_price=with_price)
        case "parquet":
            # pyarrow is an optional dependency and slow to import.
            from housing_price_survey.tabular.parquet.table import ParquetTable  # noqa: PLC0415

            with path.open("rb") as file, ParquetTable(file, with_price=with_price) as table:
                yield table
