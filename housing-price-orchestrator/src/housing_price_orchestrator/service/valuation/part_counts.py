"""Counts the parts of valuations by their outcome."""

from collections.abc import Iterable, Iterator
from typing import Final

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.valuation.valued_house import ValuedHouse
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.view.valuation import ValuationPart

ANSWERED: Final = "answered"
DEFECT: Final = "defect"
"""The outcome of a part that failed with an unexpected error."""


class PartCounts:
    """Counts which parts of valuations answered, and why others failed."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in `metrics`."""
        self._parts = metrics.valuation_parts

    def count(self, valued: Iterable[ValuedHouse]) -> None:
        """Count the parts of each house."""
        for one in valued:
            for part, outcome in _outcomes(one):
                self._parts.with_labels(part, outcome).value += 1


def _outcomes(valued: ValuedHouse) -> Iterator[tuple[ValuationPart, str]]:
    parts: dict[ValuationPart, object] = {"comparables": valued.comparables, "explanation": valued.explanation}
    for part, value in parts.items():
        # A part may have a value and a problem: an explanation without the adjustments of the sales.
        error = valued.problems.get(part)
        if error is not None:
            yield part, type(error).__name__ if isinstance(error, HousingPriceError) else DEFECT
        elif value is not None:
            yield part, ANSWERED
