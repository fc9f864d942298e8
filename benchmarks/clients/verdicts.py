"""Judges prices: a price is right if it equals, bit for bit, the offline prediction of the model that it names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RIGHT, WRONG, MIXED = "right", "wrong", "mixed"


class PriceJudge:
    """Compares answers with the reference prices of several models."""

    def __init__(self, expected: Mapping[str, Path], rows: int) -> None:
        """Read the files of `benchmarks.reference_prices`, by model id; each request has `rows` houses."""
        references = {model: json.loads(path.read_bytes()) for model, path in expected.items()}
        self._ids: list[int] = next(iter(references.values()))["ids"]
        self._prices: dict[str, list[list[float]]] = {
            model: reference["prices"] for model, reference in references.items()
        }
        self._rows = rows
        self.first_wrong: str | None = None

    def judge(self, number: int, body: bytes) -> tuple[str, str | None]:
        """Judge the answer to body `number` (see `houses.bodies_file`); returns the verdict and the model id."""
        try:
            answer = json.loads(body)
            predictions = answer.get("predictions", [answer])
            models = {prediction["model"]["id"] for prediction in predictions}
            is_right = len(predictions) == self._rows and all(
                self._is_right((number * self._rows + position) % len(self._ids), prediction)
                for position, prediction in enumerate(predictions)
            )
        except (ValueError, LookupError, TypeError):
            models, is_right = set(), False
        if len(models) > 1:
            return MIXED, None
        model = next(iter(models), None)
        if not is_right:
            self.first_wrong = self.first_wrong or body[:300].decode(errors="replace")
        return RIGHT if is_right else WRONG, model

    def _is_right(self, house: int, prediction: dict[str, Any]) -> bool:
        interval = prediction["priceInterval"]
        prices = [prediction["predictedPrice"], interval["low"], interval["high"]]
        expected = self._prices.get(prediction["model"]["id"])
        return expected is not None and prices == expected[house] and prediction["id"] == self._ids[house]
