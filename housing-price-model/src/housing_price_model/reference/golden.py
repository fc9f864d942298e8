"""Golden answers: a few real houses with exactly what the model said about them when it was trained.

Whoever gives the same answers, to the last bit, serves this model and serves it right: `housing-price-model verify`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from housing_price_model.errors import ArtefactError
from housing_price_model.reference.profile import cells_of
from housing_price_model.survey.data import Houses
from housing_price_model.survey.vocabulary import COLUMNS

GOLDEN: Final = "golden"
"""The name of the artefact; its file is `golden.json`."""
VERSION: Final = 1

_BY_PRICE: Final = 14
_BY_BLANKS: Final = 6


@dataclass(frozen=True)
class Golden:
    """Rows in the order of `columns`, and for each `price`, `low`, `high` and `model_id`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    answers: Sequence[dict[str, Any]]


def choose(houses: Houses, answers: pd.DataFrame) -> Golden:
    """Choose houses from the cheapest to the dearest, and those with the most blanks; no dice."""
    count = len(houses)
    by_price = np.argsort(houses.prices, kind="stable")
    spread = by_price[np.unique(np.linspace(0, count - 1, min(_BY_PRICE, count)).astype(np.int64))]
    blanks = np.argsort(-houses.features.isna().sum(axis=1).to_numpy(), kind="stable")[:_BY_BLANKS]
    chosen = list(dict.fromkeys([*spread.tolist(), *blanks.tolist()]))
    return Golden(COLUMNS, cells_of(houses.features.iloc[chosen]), _records(answers.iloc[chosen]))


def _records(answers: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in answers.to_dict("records")]


def write_golden(golden: Golden) -> bytes:
    """Give the bytes of the file."""
    content = {"version": VERSION, "columns": golden.columns, "rows": golden.rows, "answers": golden.answers}
    return orjson.dumps(content)


def read_golden(model: Path) -> Golden:
    """Read the golden answers in a model folder whose digest was checked.

    Raises:
        ArtefactError: it has none, or some of another version.
    """
    path = model / "artifacts" / f"{GOLDEN}.json"
    try:
        stored = orjson.loads(path.read_bytes())
        if stored["version"] != VERSION:
            raise ArtefactError(f"{path}: has version {stored['version']}; this program reads {VERSION}")
        golden = Golden(stored["columns"], stored["rows"], stored["answers"])
    except FileNotFoundError as exc:
        raise ArtefactError(f"{model}: holds no golden answers; it was trained without any, train it anew") from exc
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ArtefactError(f"{path}: cannot be read as golden answers ({exc})") from exc
    if not golden.rows or len(golden.rows) != len(golden.answers):
        raise ArtefactError(f"{path}: holds {len(golden.rows)} rows and {len(golden.answers)} answers")
    return golden
