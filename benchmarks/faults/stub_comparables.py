"""Correct answers of a comparables server, computed from the house that is asked for, and invalid ones."""

import zlib
from typing import Any, Final

from benchmarks.faults.stub_calls import price_of
from benchmarks.faults.stub_invalid_answers import INVALID_MESSAGES, InvalidAnswer, predicts
from housing_price_survey.columns import COLUMNS

MODEL_ID: Final = "misbehaving-comparables"
BLEND: Final = {"weight": 0.5, "distance_offset": 0.3, "interval_scale": 0.9, "interval_spread": 0.5}
_DEFAULT_K: Final = 6
_LOT_AREA, _MONTH, _YEAR, _CONDITION = (
    COLUMNS.index(name) for name in ("LotArea", "MoSold", "YrSold", "SaleCondition")
)


def comparables_predictions(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the comparables model predicts for a call."""
    count = document.get("params", {}).get("k", _DEFAULT_K)
    return [
        {"sales": [_sale(row, rank) for rank in range(count)], "blend": BLEND, "model_id": MODEL_ID}
        for row in document["dataframe_split"]["data"]
    ]


def _sale(row: list[Any], rank: int) -> dict[str, Any]:
    """Return a house with a larger lot, sold for a price near the predicted one."""
    features = [*row]
    features[_LOT_AREA] += 1 + rank
    return {
        "id": 1 + (zlib.crc32(repr(row).encode()) + rank) % 1_000_000,
        "pid": None,
        "price": round(price_of(features)[0] * (0.9 + 0.04 * rank), 2),
        "year": int(features[_YEAR]),
        "month": int(features[_MONTH]),
        "condition": features[_CONDITION],
        "distance": rank / 4,
        "features": features,
    }


def _each_sale(**changes: Any) -> InvalidAnswer:
    return predicts(
        lambda predictions: {
            "predictions": [one | {"sales": [sale | changes for sale in one["sales"]]} for one in predictions]
        }
    )


def _each(**changes: Any) -> InvalidAnswer:
    return predicts(lambda predictions: {"predictions": [one | changes for one in predictions]})


INVALID_COMPARABLES: Final[dict[str, InvalidAnswer]] = INVALID_MESSAGES | {
    "a negative sale price": _each_sale(price=-1.0),
    "a sale price in quotes": _each_sale(price="100000.0"),
    "a distance that is NaN": _each_sale(distance=float("nan")),
    "month 13": _each_sale(month=13),
    "a date that is not that of its house": _each_sale(year=1905, month=1),
    "an unknown sale condition": _each_sale(condition="Stolen"),
    "a house without features": _each_sale(features=[]),
    "a house of text": _each_sale(features=["RL"] * len(COLUMNS)),
    "one sale six times": _each_sale(id=1),
    "no sales": _each(sales=[]),
    "no blend": _each(blend=None),
    "a weight above 1": _each(blend=BLEND | {"weight": 7}),
    "prices": _each(sales=150_000.0, price=150_000.0),
}
"""Invalid answers of a comparables server by their name in results."""
