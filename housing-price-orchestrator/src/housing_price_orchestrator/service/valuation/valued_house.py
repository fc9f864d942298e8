"""The result of a valuation. Amounts are in US dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from housing_price_orchestrator.service.valuation.explanation import GroupDifference
from housing_price_orchestrator.service.valuation.value import BlendedValue
from housing_price_orchestrator.shared.ports import ComparableSale, ModelIdentity, PriceEstimate, ValuationRecord
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.valuation import Confidence, ValuationPart, ValueMethod


@dataclass(frozen=True, slots=True)
class AdjustedSale:
    """A comparable sale, with its price adjusted to the valued house."""

    sale: ComparableSale
    weight: float
    """The share of the sale in the weighted mean of the adjusted prices."""
    adjusted_usd: float
    adjustments: Sequence[GroupDifference] | None
    """The parts of the adjustment; None without the part `explanation`."""


@dataclass(frozen=True, slots=True)
class AdjustedComparables:
    """The comparable sales of a house."""

    estimate_usd: float
    sales: Sequence[AdjustedSale]
    model: ModelIdentity


@dataclass(frozen=True, slots=True)
class TypicalDifference:
    """The difference between a house and a typical house."""

    typical_usd: float
    differences: Sequence[GroupDifference]


@dataclass(frozen=True, slots=True)
class ValuedHouse:
    """The valuation of one house."""

    house: AnyHouse
    price: PriceEstimate
    value: BlendedValue
    method: ValueMethod
    confidence: Confidence | None
    comparables: AdjustedComparables | None
    """None if no sales were found or priced."""
    explanation: TypicalDifference | None
    """None if it was not included, or failed."""
    problems: Mapping[ValuationPart, Exception]
    """The error of each part that failed."""

    def record(self) -> ValuationRecord:
        """Return what the prediction log keeps."""
        comparables = self.comparables
        answered = {"price": self.price, "comparables": comparables, "explanation": self.explanation}
        return ValuationRecord(
            method=self.method,
            value_usd=self.value.amount_usd,
            low_usd=self.value.low_usd,
            high_usd=self.value.high_usd,
            confidence=self.confidence,
            parts=tuple(part for part, value in answered.items() if value is not None),
            problems={part: type(error).__name__ for part, error in self.problems.items()},
            comparables=None if comparables is None else comparables.model,
            sales=() if comparables is None else tuple(one.sale.id for one in comparables.sales),
        )
