"""Checks the columns and the cells of a file of sold houses, and collects the findings."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from housing_price_model.errors import DataError
from housing_price_model.survey.ranges import RANGES, WHOLE
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL, SUBCLASSES, TARGET
from housing_price_survey.tabular.names import FEATURE_KEYS, KEY_OF_SURVEY_NAME, PRICE_KEY, Layout, closest_name

MAX_LISTED: Final = 100
"""Maximum number of findings listed in an error; the rest are counted."""

KEYS: Final = (*FEATURE_KEYS, PRICE_KEY)
"""Keys of the columns of a house and of its price, in the order of `Cells`."""

_MAX_CELL_LENGTH: Final = 40

type Cells = tuple[object, ...]
"""The 79 columns and the price of a house, as read from a file: text, numbers, None for blank."""


class Findings:
    """Counts findings and keeps the first ones: a small file can have millions."""

    def __init__(self) -> None:
        self.count = 0
        self._listed: list[str] = []

    def add(self, findings: Iterable[str]) -> None:
        """Add findings."""
        for finding in findings:
            self.count += 1
            if self.count <= MAX_LISTED:
                self._listed.append(finding)

    def raise_if_any(self, path: Path) -> None:
        """Raise a `DataError` that lists the first findings, if there are any."""
        if self.count:
            more = [f"... and {self.count - MAX_LISTED:,} more"] if self.count > MAX_LISTED else []
            summary = f"{path}: {self.count:,} finding(s), the file was rejected"
            raise DataError("\n".join([summary, *self._listed, *more]))


def layout_findings(layout: Layout | None) -> Iterator[str]:
    """Yield what is wrong with the columns of a file; nothing if each record has its own."""
    if layout is None:
        return
    key_of = {**KEY_OF_SURVEY_NAME, TARGET: PRICE_KEY}
    counts = Counter(key_of.get(name, name) for name in (*layout.names.values(), *layout.repeated))
    candidates = {closest_name(name, is_survey=True): name for name in reversed(layout.unknown[:MAX_LISTED])}
    for name, key in zip((*COLUMNS, TARGET), KEYS, strict=True):
        if key not in layout.names:
            hint = f"; perhaps it is {candidates[name]!r}" if name in candidates else ""
            yield f"line 1, {name}: the column is missing{hint}"
        elif counts[key] > 1:
            yield f"line 1, {name}: the column appears {counts[key]} times"


def row_findings(where: str, cells: Cells) -> Iterator[str]:
    """Yield what is wrong with the cells of a row; `where` names the row."""
    for name, cell in zip((*COLUMNS, TARGET), cells, strict=True):
        if finding := _cell_finding(name, cell):
            yield f"{where}, {name}: {finding}"


def _cell_finding(name: str, cell: object) -> str | None:
    """Return the finding of a cell, or None if the cell is valid."""
    if cell is None:
        return None if name in OPTIONAL else "a value is missing"
    text = str(cell)
    quoted = repr(text if len(text) <= _MAX_CELL_LENGTH else text[:_MAX_CELL_LENGTH] + "...")
    if name in CATEGORIES:
        known = CATEGORIES[name]
        return None if cell in known else f"{quoted} is not one of {', '.join(known)}"
    return _number_finding(name, cell, quoted)


def _number_finding(name: str, cell: object, quoted: str) -> str | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return f"{quoted} is not a {'finite ' if _is_infinite(cell) else ''}number"
    if name == TARGET and cell <= 0:
        return f"{quoted} is not a positive price"
    if name == "MSSubClass":
        return None if cell in SUBCLASSES else f"{quoted} is not one of {', '.join(map(str, SUBCLASSES))}"
    low, high = RANGES[name]
    if not low <= cell <= high:
        return f"{quoted} is not from {low:,} to {high:,}"
    return f"{quoted} is not a whole number" if name in WHOLE and cell != int(cell) else None


def _is_infinite(cell: object) -> bool:
    """Return whether a cell holds NaN, infinity or a number beyond the largest floating-point number."""
    try:
        return isinstance(cell, str) and not math.isfinite(float(cell))
    except ValueError:
        return False
