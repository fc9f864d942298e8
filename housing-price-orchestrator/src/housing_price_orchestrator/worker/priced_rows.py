"""The columns of a scoring result, and the values of one row."""

from typing import Final, NamedTuple

from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL


class PricedRow(NamedTuple):
    """One priced row of a file."""

    number: int
    """The number of the row, from 1."""
    house_id: int
    estimate: PriceEstimate
    warnings: tuple[FeatureWarning, ...] = ()
    """Features outside the values that the model has seen. Only results in JSON have them."""


COLUMNS: Final = (
    "row",
    "id",
    "predictedPrice",
    "priceIntervalLow",
    "priceIntervalHigh",
    "priceIntervalLevel",
    "modelName",
    "modelVersion",
    "modelId",
)


def cells_of(priced: PricedRow) -> tuple[object, ...]:
    """Return the values of a row, in the order of `COLUMNS`."""
    row, house_id, estimate, _ = priced
    prices = (estimate.price_usd, estimate.low_usd, estimate.high_usd, INTERVAL_LEVEL)
    return (row, house_id, *prices, estimate.model.name, estimate.model.version, estimate.model.id)
