"""Judges prices and valuations.

A price is right if it equals, bit for bit, the offline prediction of the model that it names. A valuation is right if
it equals the one that the same service gave for the house before the fault, or has that price alone and says so.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

RIGHT, WRONG, MIXED = "right", "wrong", "mixed"
PRICE_ALONE = "price alone"
"""A valuation without comparable sales, with the right price and the problem named."""


class Judge(Protocol):
    """Judges the bodies of answers with status 200."""

    first_wrong: str | None

    def judge(self, number: int, body: bytes) -> tuple[str, str | None]:
        """Judge the answer to body `number` (see `houses.bodies_file`); returns the verdict and the model id."""
        ...


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


class ValuationJudge:
    """Compares valuations of single houses with reference valuations."""

    def __init__(self, reference: Path) -> None:
        """Read the valuations of all houses, as the batch operation returned them, in the order of the survey."""
        self._valuations = [without_transaction(one) for one in json.loads(reference.read_bytes())["valuations"]]
        self.first_wrong: str | None = None

    def judge(self, number: int, body: bytes) -> tuple[str, str | None]:
        """Judge the answer to body `number`; returns the verdict and the id of the price model."""
        expected = self._valuations[number % len(self._valuations)]
        try:
            answer = without_transaction(json.loads(body))
            model = str(answer["price"]["model"]["id"])
            verdict = RIGHT if answer == expected else PRICE_ALONE if is_price_alone(answer, expected) else WRONG
        except (ValueError, LookupError, TypeError):
            verdict, model = WRONG, ""
        if verdict == WRONG:
            self.first_wrong = self.first_wrong or body[:300].decode(errors="replace")
        return verdict, model or None


def without_transaction(valuation: dict[str, Any]) -> dict[str, Any]:
    """Return a valuation without its transaction ids, which differ in each answer."""
    price = {key: value for key, value in valuation["price"].items() if key != "transactionId"}
    return {key: value for key, value in valuation.items() if key != "transactionId"} | {"price": price}


def is_price_alone(answer: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Return whether a valuation has the expected price alone, and names the comparable sales as missing."""
    price, value = expected["price"], answer["value"]
    return (
        (answer["id"], answer["price"], answer["comparables"]) == (expected["id"], price, None)
        and (value["amount"], value["interval"]) == (price["predictedPrice"], price["priceInterval"])
        and value["method"] == "price"
        and [problem["part"] for problem in answer["problems"]] == ["comparables"]
    )
