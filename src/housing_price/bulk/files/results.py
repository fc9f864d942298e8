"""Joins the parts of all splits into a result and its refused rows, which both appear complete or not at all."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from housing_price.bulk.files.locations import refused_path
from housing_price.bulk.files.parts import Part
from housing_price.errors import BulkError
from housing_price_orchestrator.worker.refused_rows import RefusedRowsLimit, last_line
from housing_price_orchestrator.worker.write_results import result_format
from housing_price_platform.files import sync_file
from housing_price_platform.files.new_file import new_file

_MODE: Final = 0o666
"""Permissions of the results, before the umask."""


@dataclass
class Tally:
    """Counts the rows of a result."""

    priced: int = 0
    refused: int = 0
    unlisted: int = 0
    """Refused rows that are not listed, because their file is full."""

    @property
    def rows(self) -> int:
        """The number of rows of the input that were read."""
        return self.priced + self.refused


@dataclass
class ResultWriter:
    """Writes the results of one input file."""

    output: Path
    """The local path of the result, in an existing folder."""
    output_format: str
    """`csv`, `ndjson` or `parquet`."""
    parts: Path
    """The folder of the parts."""
    input_bytes: int
    """The size of the input file, which limits the refused rows."""
    tally: Tally = field(default_factory=Tally)
    """The rows that were written."""

    def write(self, parts: Iterable[Part]) -> None:
        """Write the parts, in the order of their rows, and remove their files. Without a priced row, no result is made.

        Raises:
            BulkError: A part is missing, or a file exists or cannot be written. Then no file is left.
        """
        refused_name = refused_path(self.output).name
        try:
            folder = os.open(self.output.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                with (
                    new_file(folder, refused_name, _MODE) as refused,
                    new_file(folder, self.output.name, _MODE) as priced,
                ):
                    self._join(parts, priced.content, refused.content)
                    sync_file(refused.content)
                    sync_file(priced.content)
                    # The refused rows come first, so that a result always has them beside it.
                    refused.link(refused_name)
                    if self.tally.priced:
                        try:
                            priced.link(self.output.name)
                        except BaseException:
                            os.unlink(refused_name, dir_fd=folder)  # this call created it
                            raise
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError as error:
            raise BulkError(
                f"{self.output}: it was created by another program meanwhile: choose another name"
            ) from error
        except OSError as error:
            raise BulkError(
                f"{error.filename or self.output}: {error.strerror or error}; no result was written"
            ) from error

    def _join(self, parts: Iterable[Part], priced: BinaryIO, refused: BinaryIO) -> None:
        limit = RefusedRowsLimit(self.input_bytes)

        def priced_files() -> Iterator[Path]:
            for part in parts:
                self._check_order(part)
                self.tally.priced += part.rows - part.refused
                self.tally.refused += part.refused
                lines, content = part.refused_file(self.parts), part.priced_file(self.parts)
                with lines.open("rb") as file:
                    refused.writelines(line for line in file if limit.admits(line))
                yield content
                lines.unlink()
                content.unlink()

        result_format(self.output_format).join(priced_files(), priced)
        self.tally.unlisted = limit.unlisted
        if limit.unlisted:
            refused.write(last_line(limit.unlisted, self.input_bytes))

    def _check_order(self, part: Part) -> None:
        if part.before != self.tally.rows:
            raise BulkError(f"the results are incomplete: after {self.tally.rows} rows came those after {part.before}")
