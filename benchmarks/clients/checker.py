"""Compares answers with what the model itself says, to the last bit."""

import json
from pathlib import Path
from typing import Any

OK = 200


class Checker:
    """Counts answers that are errors or wrong, and keeps the first of them to show."""

    def __init__(self, expected: Path, rows: int) -> None:
        """Compare with the file that `benchmarks.reference_prices` wrote; each request has `rows` houses."""
        known = json.loads(expected.read_bytes())
        self._ids: list[int] = known["ids"]
        self._prices: list[list[float]] = known["prices"]
        self._rows = rows
        self.checked = 0
        self.errors = 0
        self.wrong = 0
        self.first_problem: str | None = None

    def check(self, number: int, status: int, body: bytes) -> None:
        """Check the answer to the body with this number (see `Dialect.bodies`)."""
        self.checked += 1
        if status != OK:
            self.error(f"status {status}: {body[:300].decode(errors='replace')}")
            return
        try:
            answers = _predictions(json.loads(body))
        except (ValueError, LookupError, TypeError) as error:
            self._wrong(f"unreadable ({error!r}): {body[:300].decode(errors='replace')}")
            return
        if len(answers) != self._rows:
            self._wrong(f"{len(answers)} answers for {self._rows} houses")
            return
        for position, answer in enumerate(answers):
            if not self.is_right((number * self._rows + position) % len(self._ids), answer):
                return

    def is_right(self, house: int, answer: dict[str, Any]) -> bool:
        """Compare the answer for one house, given by its position in the survey; a wrong one is counted."""
        try:
            found = _prices_in(answer)
        except (LookupError, TypeError):
            self._wrong(f"house {self._ids[house]}: {answer}")
            return False
        # A model server is asked about rows and knows no ids.
        named = answer.get("id") if "predictedPrice" in answer else self._ids[house]
        if found != self._prices[house] or named != self._ids[house]:
            self._wrong(f"house {self._ids[house]}: {answer} instead of {self._prices[house]}")
            return False
        return True

    def error(self, what: str) -> None:
        """Count a request that failed."""
        self.errors += 1
        self.first_problem = self.first_problem or what

    def _wrong(self, what: str) -> None:
        self.wrong += 1
        self.first_problem = self.first_problem or what

    def summary(self) -> dict[str, Any]:
        """Tell what was found."""
        return {
            "checked": self.checked,
            "errors": self.errors,
            "wrong": self.wrong,
            "first_problem": self.first_problem,
        }


def _predictions(answer: Any) -> list[Any]:
    """Find the list of predictions in what the different servers answer."""
    if isinstance(answer, list):
        return answer
    predictions: list[Any] = answer.get("predictions", [answer])
    return predictions


def _prices_in(prediction: dict[str, Any]) -> list[float]:
    if "predictedPrice" in prediction:
        interval = prediction["priceInterval"]
        return [prediction["predictedPrice"], interval["low"], interval["high"]]
    return [prediction["price"], prediction["low"], prediction["high"]]


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """Give the median, the 90th and 99th percentile and the largest of times in milliseconds (nearest rank)."""
    if not seconds:
        return {}
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 4)

    return {"p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": round(ordered[-1] * 1000, 4)}
