"""What is right: the model's own prediction of each house, alone, made here and not by any server."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import houses
from benchmarks.paths import STATE, SURVEY, replacing

STUB_PRICES: Final = (181_234.5, 160_000.0, 205_000.25)
"""What the stub answers for every house: price, low, high."""

STUB_MODEL_ID: Final = "stub"


def of_stub() -> Path:
    """Write what the stub's answers are; gives the path."""
    return _write("stub", [STUB_PRICES] * len(houses.ids()))


def of_model(export: Path) -> Path:
    """Predict each house alone with an exported model; gives the path to what it said.

    The answer is kept by the model's digest, so that it is made once per model.

    Raises:
        RuntimeError: a house has another price beside the others than alone, so there is nothing to compare with.
    """
    digest = json.loads((export / "manifest.json").read_bytes())["digest"].removeprefix("sha256:")[:16]
    path = STATE / "expected" / f"{digest}.json"
    if path.exists():
        return path

    # These load slowly, and a run with a known model does not need them.
    import mlflow  # noqa: PLC0415

    from housing_price_model.survey.data import read_houses  # noqa: PLC0415

    model = mlflow.pyfunc.load_model(str(export / "model")).unwrap_python_model()
    features = read_houses(SURVEY).features
    wanted = ["price", "low", "high"]
    together = model.predict(None, features)[wanted].to_numpy().tolist()
    alone = [
        model.predict(None, features.iloc[[house]])[wanted].to_numpy()[0].tolist() for house in range(len(features))
    ]
    if alone != together:
        raise RuntimeError("the model prices a house differently alone than in a batch")
    return _write(digest, alone)


def of_rows(name: str, price_of: Callable[[Sequence[Any]], Sequence[float]]) -> Path:
    """Write what a model says that prices each row of values by a rule; gives the path."""
    return _write(name, [price_of(list(row.values())) for row in houses.rows()])


def _write(name: str, prices: object) -> Path:
    path = STATE / "expected" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps({"ids": houses.ids(), "prices": prices}).encode())
    return path
