"""Makes the valuation of one house from the values and errors of the parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from housing_price_orchestrator.service.valuation.explain_prices import SplitDifference
from housing_price_orchestrator.service.valuation.value import (
    BlendedValue,
    adjusted_usd,
    blend_value,
    confidence_of,
    in_cents,
)
from housing_price_orchestrator.service.valuation.valued_house import (
    AdjustedComparables,
    AdjustedSale,
    TypicalDifference,
    ValuedHouse,
)
from housing_price_orchestrator.shared.errors import ComparablesImplausible, ModelChanged
from housing_price_orchestrator.shared.ports import Comparables, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.valuation import ValuationPart


@dataclass(frozen=True, slots=True)
class Findings:
    """The values of the parts for one house, or their errors."""

    price: PriceEstimate
    comparables: Comparables | Exception
    sold_prices: Sequence[PriceEstimate] | Exception
    typical: SplitDifference | Exception | None
    """None if it was not wanted."""
    adjustments: Sequence[SplitDifference] | Exception | None
    """None if they were not wanted."""

    @property
    def is_of_several_models(self) -> bool:
        """Whether different price models priced the house and the houses with which it is compared."""
        others = () if isinstance(self.sold_prices, Exception) else self.sold_prices
        return any(estimate.model != self.price.model for estimate in others) or any(
            isinstance(part, ModelChanged) for part in (self.typical, self.adjustments)
        )


def assemble(house: AnyHouse, findings: Findings) -> ValuedHouse:
    """Make a valuation. Without priced comparable sales its value is the price."""
    price, typical, adjustments = findings.price, findings.typical, findings.adjustments
    problems: dict[ValuationPart, Exception] = {}
    value = BlendedValue(price.price_usd, price.low_usd, price.high_usd, price.price_usd)
    comparables, confidence = None, None
    try:
        value, comparables = _from_sales(findings)
        confidence = confidence_of(value, _value_of(findings.comparables).blend.confidence)
    except Exception as error:  # noqa: BLE001 - any failure of an optional part leaves the price
        problems["comparables"] = error
    if isinstance(typical, Exception):
        problems["explanation"] = typical
    elif isinstance(adjustments, Exception) and comparables is not None:
        problems["explanation"] = adjustments
    return ValuedHouse(
        house=house,
        price=price,
        value=value,
        method="price" if comparables is None else "priceAndComparables",
        confidence=confidence,
        comparables=comparables,
        explanation=None
        if typical is None or isinstance(typical, Exception)
        else TypicalDifference(typical.start_usd, typical.differences),
        problems=problems,
    )


def _from_sales(findings: Findings) -> tuple[BlendedValue, AdjustedComparables]:
    """Make the value from the comparable sales; raises the error of a part, or one for sales that make no value."""
    price, found, sold_prices = findings.price, _value_of(findings.comparables), _value_of(findings.sold_prices)
    if any(sold.model != price.model for sold in sold_prices):
        raise ModelChanged("two models priced the house and its comparable sales")
    adjusted = [
        adjusted_usd(sale.price_usd, sold.price_usd, price.price_usd)
        for sale, sold in zip(found.sales, sold_prices, strict=True)
    ]
    try:
        value = blend_value(price, adjusted, [sale.distance for sale in found.sales], found.blend)
    except (ArithmeticError, ValueError) as error:
        raise ComparablesImplausible(f"no value follows from the sales: {error}", (None,)) from error
    adjustments = findings.adjustments
    splits = [None] * len(adjusted) if adjustments is None or isinstance(adjustments, Exception) else adjustments
    sales = [
        AdjustedSale(sale, weight, in_cents(one), None if split is None else split.differences)
        for sale, weight, one, split in zip(found.sales, value.sale_weights, adjusted, splits, strict=True)
    ]
    return value, AdjustedComparables(value.comparables_usd, sales, found.model)


def _value_of[Value](part: Value | Exception) -> Value:
    if isinstance(part, Exception):
        raise part
    return part
