"""The parts in which splits are priced: each has its results in two files, until the parts are joined."""

from pathlib import Path
from typing import NamedTuple

from housing_price.bulk.files.locations import InputFile


class Part(NamedTuple):
    """The results of successive rows, in two files. A repeated attempt writes files of other names."""

    before: int
    """The number of rows of the input before the first row."""
    rows: int
    refused: int
    name: str
    """The name of both files, without their suffix."""

    def priced_file(self, folder: Path) -> Path:
        """Return the file of the priced rows, in the format of the result."""
        return folder / f"{self.name}.priced"

    def refused_file(self, folder: Path) -> Path:
        """Return the file of the refused rows, as JSON lines."""
        return folder / f"{self.name}.refused"


class Order(NamedTuple):
    """The instructions for pricing each split of a file."""

    source: InputFile
    output_format: str
    """`csv`, `ndjson` or `parquet`."""
    parts: Path
    """The folder of the parts, which the process that joins them reads too."""
    is_durable: bool = False
    """Whether the parts must survive a power failure of the machine that writes them."""
