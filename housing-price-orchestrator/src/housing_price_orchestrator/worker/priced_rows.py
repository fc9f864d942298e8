"""The columns of a scoring result, and the values of one row."""

from typing import Final

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL

type PricedRow = tuple[int, int, PriceEstimate]
"""Row number (from 1), id of the house, and its price."""

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
    row, house_id, estimate = priced
    prices = (estimate.price_usd, estimate.low_usd, estimate.high_usd, INTERVAL_LEVEL)
    return (row, house_id, *prices, estimate.model.name, estimate.model.version, estimate.model.id)
