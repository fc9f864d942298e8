"""Compares answers with the reference prices, bit for bit."""

import json
from pathlib import Path
from typing import Any, Final

OK: Final = 200


class Checker:
    """Counts failed requests and wrong answers, and keeps a description of the first one."""

    def __init__(self, expected: Path, rows: int) -> None:
        """Read the file that `benchmarks.reference_prices` wrote; each request has `rows` houses."""
        reference = json.loads(expected.read_bytes())
        self._ids: list[int] = reference["ids"]
        self._prices: list[list[float]] = reference["prices"]
        self._rows = rows
        self.checked = 0
        self.errors = 0
        self.wrong = 0
        self.first_problem: str | None = None

    def check(self, number: int, status: int, body: bytes) -> None:
        """Check the answer to request body `number` (see `houses.bodies_file`)."""
        self.checked += 1
        if status != OK:
            self.count_error(f"status {status}: {body[:300].decode(errors='replace')}")
            return
        try:
            answers = _predictions(json.loads(body))
        except (ValueError, LookupError, TypeError) as error:
            self._count_wrong(f"unreadable ({error!r}): {body[:300].decode(errors='replace')}")
            return
        if len(answers) != self._rows:
            self._count_wrong(f"{len(answers)} answers for {self._rows} houses")
            return
        for position, answer in enumerate(answers):
            if not self.check_house((number * self._rows + position) % len(self._ids), answer):
                return

    def check_house(self, house: int, answer: dict[str, Any]) -> bool:
        """Return whether the price of a house, given by position in the survey, is right; counts a wrong price."""
        try:
            prices = _prices_in(answer)
        except (LookupError, TypeError):
            self._count_wrong(f"house {self._ids[house]}: {answer}")
            return False
        # Answers of a model server contain no ids.
        house_id = answer.get("id") if "predictedPrice" in answer else self._ids[house]
        if prices != self._prices[house] or house_id != self._ids[house]:
            self._count_wrong(f"house {self._ids[house]}: {answer} instead of {self._prices[house]}")
            return False
        return True

    def count_error(self, message: str) -> None:
        """Count a failed request."""
        self.errors += 1
        self.first_problem = self.first_problem or message

    def _count_wrong(self, message: str) -> None:
        self.wrong += 1
        self.first_problem = self.first_problem or message

    def summary(self) -> dict[str, Any]:
        """Return the counts and the first problem as JSON."""
        return {
            "checked": self.checked,
            "errors": self.errors,
            "wrong": self.wrong,
            "first_problem": self.first_problem,
        }


def _predictions(answer: Any) -> list[Any]:
    """Return the list of predictions in an answer of any contender; raises ValueError if a valuation lacks a part."""
    if isinstance(answer, list):
        return answer
    valuations = answer.get("valuations", [answer] if "value" in answer else [])
    if valuations:
        return [_price_of_valuation(valuation) for valuation in valuations]
    predictions: list[Any] = answer.get("predictions", [answer])
    return predictions


def _price_of_valuation(valuation: dict[str, Any]) -> Any:
    if valuation["problems"]:
        raise ValueError(f"problems: {valuation['problems']}")
    return valuation["price"]


def _prices_in(prediction: dict[str, Any]) -> list[float]:
    if "predictedPrice" in prediction:
        interval = prediction["priceInterval"]
        return [prediction["predictedPrice"], interval["low"], interval["high"]]
    return [prediction["price"], prediction["low"], prediction["high"]]


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """Return the 50th, 90th and 99th percentile and the maximum in milliseconds (nearest rank)."""
    if not seconds:
        return {}
    ordered = sorted(seconds)

    def quantile(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 4)

    return {
        "p50_ms": quantile(0.5),
        "p90_ms": quantile(0.9),
        "p99_ms": quantile(0.99),
        "max_ms": round(ordered[-1] * 1000, 4),
    }
