"""Real houses of the survey, for files in every form."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from housing_price_survey.columns import SURVEY_COLUMNS

DATA: Final = Path(__file__).parents[2] / "housing-price-model" / "data" / "ames-housing.csv"

SURVEY_NAMES: Final = [column.name for column in SURVEY_COLUMNS]
SPACED_NAMES: Final = [column.spaced_name for column in SURVEY_COLUMNS]
KEYS: Final = [column.key for column in SURVEY_COLUMNS]


def houses(count: int) -> list[dict[str, str]]:
    """The first houses as text, by the survey's names."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def values(house: dict[str, str]) -> list[str]:
    return [house[name] for name in SURVEY_NAMES]


def write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([names, *rows])
    return path
