"""Reads sold houses from CSV and validates every cell."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from housing_price_model.errors import DataError
from housing_price_survey.columns import CATEGORIES, COLUMNS, NUMBERS, OPTIONAL, SUBCLASSES, TARGET

BUNDLED: Final = Path(__file__).with_name("ames-housing.csv")
"""The bundled Ames data: a link to `data/ames-housing.csv` in a checkout, a copy in an installed package."""

MAX_LISTED: Final = 100
"""Maximum number of findings listed in an error; the rest are counted."""

_BLANK: Final = ("", "NA")  # "None" is a category of MasVnrType
_MAX_CELL_LENGTH: Final = 40


@dataclass(frozen=True)
class Houses:
    """Validated houses.

    Attributes:
        features: The 79 columns, numbers as float64 and text as objects; blank is NaN or None.
        prices: Sale prices in US dollars; shape (n,).
        digest: SHA-256 of the file.
    """

    features: pd.DataFrame
    prices: npt.NDArray[np.float64]
    digest: str

    def __len__(self) -> int:
        return len(self.prices)


def read_houses(path: Path) -> Houses:
    """Read and validate a CSV file with the survey's columns; other columns are ignored.

    Raises:
        DataError: The file cannot be read, or a cell is invalid; the message lists every finding.
    """
    try:
        content = path.read_bytes()
        lines = list(_records(content.decode("utf-8-sig")))
    except FileNotFoundError as error:
        raise DataError(f"{path}: file not found") from error
    except OSError as error:
        raise DataError(f"{path}: cannot read the file ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not lines:
        raise DataError(f"{path}: the file is empty")
    (_, header), *rows = lines
    findings = list(_header_findings(header)) or list(_row_findings(header, rows))
    if findings:
        listed = findings[:MAX_LISTED]
        if len(findings) > MAX_LISTED:
            listed.append(f"... and {len(findings) - MAX_LISTED:,} more")
        raise DataError("\n".join([f"{path}: {len(findings):,} finding(s), the file was rejected", *listed]))
    cells = pd.DataFrame([row for _, row in rows], columns=header, dtype=object)
    cells = cells.where(~cells.isin(_BLANK), None)
    numbers = {name: cells[name].astype(np.float64) for name in (*NUMBERS, TARGET)}
    features = pd.DataFrame({name: numbers.get(name, cells[name]) for name in COLUMNS})
    return Houses(features, np.asarray(numbers[TARGET], dtype=np.float64), hashlib.sha256(content).hexdigest())


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line number on which it ends; blank lines are skipped."""
    reader = csv.reader(text.splitlines(), strict=True)
    for record in reader:
        if record:
            yield reader.line_num, [cell.strip() for cell in record]


def _header_findings(header: list[str]) -> Iterator[str]:
    for name in (*COLUMNS, TARGET):
        count = header.count(name)
        if count == 0:
            yield f"line 1, {name}: the column is missing"
        elif count > 1:
            yield f"line 1, {name}: the column appears {count} times"


def _row_findings(header: list[str], rows: list[tuple[int, list[str]]]) -> Iterator[str]:
    if not rows:
        yield "line 1: no rows below the header"
    position = {name: header.index(name) for name in (*COLUMNS, TARGET)}
    for line, row in rows:
        if len(row) != len(header):
            yield f"line {line}: has {len(row)} cells, but the header has {len(header)}"
            continue
        for name, at in position.items():
            finding = _cell_finding(name, row[at])
            if finding:
                yield f"line {line}, {name}: {finding}"


def _cell_finding(name: str, cell: str) -> str | None:
    """Return the finding of a cell, or None if the cell is valid."""
    quoted = repr(cell if len(cell) <= _MAX_CELL_LENGTH else cell[:_MAX_CELL_LENGTH] + "...")
    if cell in _BLANK:
        return None if name in OPTIONAL else "a value is missing"
    if name in CATEGORIES:
        known = CATEGORIES[name]
        return None if cell in known else f"{quoted} is not one of {', '.join(known)}"
    return _number_finding(name, cell, quoted)


def _number_finding(name: str, cell: str, quoted: str) -> str | None:
    try:
        number = float(cell)
    except ValueError:
        return f"{quoted} is not a number"
    if not np.isfinite(number):
        return f"{quoted} is not a finite number"
    if name == TARGET and number <= 0:
        return f"{quoted} is not a positive price"
    if name == "MSSubClass" and number not in SUBCLASSES:
        return f"{quoted} is not one of {', '.join(map(str, SUBCLASSES))}"
    return None
