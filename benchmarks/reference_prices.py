"""The reference prices: the model's own prediction of each single house, computed in this process."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import houses
from benchmarks.paths import STATE, SURVEY
from housing_price_platform.files import write_atomically

STUB_PRICES: Final = (181_234.5, 160_000.0, 205_000.25)
"""Price, low and high that the stub returns for every house."""

STUB_MODEL_ID: Final = "stub"


def of_stub() -> Path:
    """Write the reference prices of the stub; returns the path."""
    return _write("stub", [STUB_PRICES] * len(houses.ids()))


def of_model(export: Path) -> Path:
    """Write the reference prices of an exported model; returns the path.

    The file is cached by the digest of the model.

    Raises:
        RuntimeError: The price of a house depends on the other houses of a call, so no reference exists.
    """
    digest = json.loads((export / "manifest.json").read_bytes())["digest"].removeprefix("sha256:")[:16]
    path = STATE / "expected" / f"{digest}.json"
    if path.exists():
        return path

    # Imported here because they load slowly and a cached model does not need them.
    import mlflow  # noqa: PLC0415

    from housing_price_model.survey.data import read_houses  # noqa: PLC0415

    model = mlflow.pyfunc.load_model(str(export / "model")).unwrap_python_model()
    features = read_houses(SURVEY).features
    columns = ["price", "low", "high"]
    in_one_batch = model.predict(None, features)[columns].to_numpy().tolist()
    one_by_one = [
        model.predict(None, features.iloc[[house]])[columns].to_numpy()[0].tolist() for house in range(len(features))
    ]
    if one_by_one != in_one_batch:
        raise RuntimeError("the price of a house differs between a single call and a batch")
    return _write(digest, one_by_one)


def of_rows(name: str, price_of: Callable[[Sequence[Any]], Sequence[float]]) -> Path:
    """Write the prices that `price_of` computes for each row of values; returns the path."""
    return _write(name, [price_of(list(row.values())) for row in houses.rows()])


def _write(name: str, prices: object) -> Path:
    path = STATE / "expected" / f"{name}.json"
    content = json.dumps({"ids": houses.ids(), "prices": prices}).encode()
    write_atomically(path, content, parents=True, is_durable=False)
    return path
