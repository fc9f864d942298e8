"""Reads the houses of a Parquet file for scoring, from any row. Needs pyarrow: the extra `parquet`."""

from collections.abc import Iterator
from pathlib import Path

from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.names import ID_KEY, check_layout
from housing_price_survey.tabular.parquet.table import ParquetTable
from housing_price_survey.tabular.rows import Row, to_json


class ParquetRows:
    """The rows of a Parquet file. Row groups before the first row are not read."""

    def __init__(self, path: Path) -> None:
        """Read the footer of the file at `path`.

        Raises:
            UnusableFile: The file is not Parquet, or its columns do not match a house.
            OSError: The file cannot be read.
        """
        self._path = path
        with path.open("rb") as file, ParquetTable(file) as table:
            check_layout(table.layout, "Columns")
            self.rows_of_groups = table.rows_of_groups
            """The number of rows of each row group."""

    def after(self, offset: int = 0, count: int = 0) -> Iterator[Row]:
        """Yield the rows that follow the first `count` rows. A Parquet file has no rows at byte offsets.

        Raises:
            UnusableFile: The file is damaged.
        """
        del offset
        with self._path.open("rb") as file, ParquetTable(file) as table:
            nulls = table.layout.nulls()
            for record in table.records(count):
                document = to_json({ID_KEY: record.line} | nulls | (record.values or {}))
                # As a line of a text file, which ends with LF.
                if len(document) >= MAX_ROW_BYTES:
                    yield Row(None, TOO_LONG, 0)
                else:
                    yield Row(document, None, 0)
