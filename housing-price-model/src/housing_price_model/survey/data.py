"""Reads sold houses from a file and validates every cell."""

import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from housing_price_model.errors import DataError
from housing_price_model.survey.findings import KEYS, MAX_LISTED, Cells, Findings, layout_findings, row_findings
from housing_price_model.survey.veneer import AREA, TYPE, name_veneer
from housing_price_survey.columns import COLUMNS, NUMBERS, TARGET
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.names import (
    ID_KEY,
    PID_KEY,
)
from housing_price_survey.tabular.records import Record
from housing_price_survey.tabular.tables import Table, open_table

BUNDLED: Final = Path(__file__).with_name("ames-housing.csv")
"""The bundled Ames data: a link to `data/ames-housing.csv` in a checkout, a copy in an installed package."""

MIN_HOUSES: Final = 50
"""Minimum number of training houses: nested cross-validation and a 5 % tail need this many."""

_MAX_ID: Final = 2**53
"""The largest integer that every JSON parser reads exactly."""
_PID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
"""The parcel numbers that the API accepts; a test compares them."""


@dataclass(frozen=True)
class Houses:
    """Validated houses."""

    features: pd.DataFrame
    """The 79 columns, numbers as float64 and text as objects; blank is NaN or None."""
    prices: npt.NDArray[np.float64]
    """Sale prices in US dollars; shape (n,)."""
    digest: str
    """SHA-256 of the file."""
    ids: npt.NDArray[np.int64]
    """The numbers of the houses in the file's column `Id` or `Order`; the numbers of the rows, from 1, if not all
    houses have a positive number of their own there; shape (n,)."""
    pids: Sequence[str | None]
    """Parcel numbers (the column `PID`); None where the file has none. Other text, such as one of more than 32
    characters or with spaces, is no parcel number."""

    def __len__(self) -> int:
        return len(self.prices)


def read_houses(path: Path) -> Houses:
    """Read and validate a CSV, NDJSON or Parquet file with the columns of the survey; other columns are ignored.

    Raises:
        DataError: The file cannot be read, or a cell is invalid; the message lists every finding.
    """
    findings = Findings()
    rows: list[Cells] = []
    ids: list[object] = []
    pids: list[str | None] = []
    with _opened(path) as table:
        findings.add(layout_findings(table.layout))
        for record in () if findings.count else table.records():
            where = f"line {record.line}"
            if record.values is None:
                findings.add([f"{where}: {record.problem}"])
                continue
            cells = _cells_of(record)
            findings.add(row_findings(where, cells))
            if not findings.count:
                rows.append(cells)
                ids.append(record.values.get(ID_KEY))
                pids.append(_pid_of(record.values.get(PID_KEY)))
    if not (findings.count or rows):
        findings.add(["line 1: no rows below the header"])
    findings.raise_if_any(path)
    houses = pd.DataFrame(rows, columns=[*COLUMNS, TARGET], dtype=object)
    numbers = {name: houses[name].astype(np.float64) for name in (*NUMBERS, TARGET)}
    # As objects, like every column of text: pandas would choose another type for a list of strings.
    houses[TYPE] = pd.Series(name_veneer(houses[TYPE].tolist(), numbers[AREA].tolist()), dtype=object)
    features = pd.DataFrame({name: numbers.get(name, houses[name]) for name in COLUMNS})
    return Houses(features, np.asarray(numbers[TARGET], dtype=np.float64), _digest(path), _ids_of(ids), tuple(pids))


def require_enough_houses(houses: Houses, path: Path) -> None:
    """Check that a model can be trained on these houses; `path` is their file, for the message.

    Raises:
        DataError: There are fewer than `MIN_HOUSES`, or fewer that differ in a feature; or most sale prices are equal.
    """
    if len(houses) < MIN_HOUSES:
        raise DataError(f"{path}: has {len(houses)} houses; training requires at least {MIN_HOUSES}")
    if (distinct := len(houses.features.drop_duplicates())) < MIN_HOUSES:
        raise DataError(f"{path}: has {distinct} different houses; training requires at least {MIN_HOUSES}")
    ((price, count),) = Counter(houses.prices.tolist()).most_common(1)
    if 2 * count > len(houses):
        raise DataError(f"{path}: {count} of {len(houses)} houses have the same sale price, {price:,.2f} USD")


def read_cells(path: Path) -> Iterator[Cells]:
    """Yield the cells of each house of a file, unchecked: the 79 columns and the price.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    with _opened(path) as table:
        if findings := list(layout_findings(table.layout)):
            raise DataError("\n".join([f"{path}: the columns do not match", *findings[:MAX_LISTED]]))
        for record in table.records():
            if record.values is None:
                raise DataError(f"{path}: line {record.line}: {record.problem}")
            yield _cells_of(record)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Table]:
    try:
        with open_table(path, with_price=True) as table:
            yield table
    except FileNotFoundError as error:
        raise DataError(f"{path}: file not found") from error
    except OSError as error:
        raise DataError(f"{path}: cannot read the file ({error.strerror})") from error
    except UnusableFile as error:
        raise DataError(f"{path}: {error}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ids_of(ids: Sequence[object]) -> npt.NDArray[np.int64]:
    numbers = {one for one in ids if isinstance(one, int) and not isinstance(one, bool) and 1 <= one <= _MAX_ID}
    return np.array(ids if len(numbers) == len(ids) else range(1, len(ids) + 1), dtype=np.int64)


def _pid_of(cell: object) -> str | None:
    text = str(cell) if isinstance(cell, int | str) and not isinstance(cell, bool) else ""
    return text if _PID.fullmatch(text) else None


def _cells_of(record: Record) -> Cells:
    values = record.values or {}
    return tuple(values.get(key) for key in KEYS)
