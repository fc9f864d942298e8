"""Golden answers: some training houses with the exact answers that the model gave after training.

A server that reproduces them bit for bit serves this model correctly. `housing-price-model verify` checks it.
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
from housing_price_survey.columns import COLUMNS

GOLDEN: Final = "golden"
"""Name of the artefact; the file is `golden.json`."""
VERSION: Final = 1

_COUNT_BY_PRICE: Final = 14
_COUNT_BY_BLANKS: Final = 6


@dataclass(frozen=True)
class Golden:
    """Rows of values in the order of `columns`, with the expected answer of each."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    answers: Sequence[dict[str, Any]]


def choose_golden(houses: Houses, answers: pd.DataFrame) -> Golden:
    """Select houses across the price range, and those with the most blanks; deterministic."""
    count = len(houses)
    by_price = np.argsort(houses.prices, kind="stable")
    spread = by_price[np.unique(np.linspace(0, count - 1, min(_COUNT_BY_PRICE, count)).astype(np.int64))]
    blanks = np.argsort(-houses.features.isna().sum(axis=1).to_numpy(), kind="stable")[:_COUNT_BY_BLANKS]
    chosen = list(dict.fromkeys([*spread.tolist(), *blanks.tolist()]))
    return Golden(COLUMNS, cells_of(houses.features.iloc[chosen]), _records(answers.iloc[chosen]))


def _records(answers: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in answers.to_dict("records")]


def golden_to_json(golden: Golden) -> bytes:
    """Serialize to the bytes of the file."""
    content = {"version": VERSION, "columns": golden.columns, "rows": golden.rows, "answers": golden.answers}
    return orjson.dumps(content)


def read_golden(model: Path) -> Golden:
    """Read the golden answers from a model folder whose digest was checked.

    Raises:
        ArtefactError: The golden answers are missing, invalid or of another version.
    """
    path = model / "artifacts" / f"{GOLDEN}.json"
    try:
        stored = orjson.loads(path.read_bytes())
        if stored["version"] != VERSION:
            raise ArtefactError(f"{path}: unsupported version {stored['version']}, expected {VERSION}")
        golden = Golden(stored["columns"], stored["rows"], stored["answers"])
    except FileNotFoundError as error:
        raise ArtefactError(f"{model}: has no golden answers; retrain it") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{path}: not valid golden answers ({error})") from error
    if not golden.rows or len(golden.rows) != len(golden.answers):
        raise ArtefactError(f"{path}: has {len(golden.rows)} rows but {len(golden.answers)} answers")
    return golden
