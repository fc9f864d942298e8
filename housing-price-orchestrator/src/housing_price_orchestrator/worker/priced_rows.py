"""The columns of a scoring result, and the values of one row."""

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL

type Priced = tuple[int, int, PriceEstimate]
"""The number of a row, from 1; the id of its house; and its price."""

COLUMNS = (
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


def cells_of(priced: Priced) -> tuple[object, ...]:
    """Return the values of a row, in the order of `COLUMNS`."""
    row, house_id, one = priced
    prices = (one.price_usd, one.low_usd, one.high_usd, INTERVAL_LEVEL)
    return (row, house_id, *prices, one.model.name, one.model.version, one.model.id)
