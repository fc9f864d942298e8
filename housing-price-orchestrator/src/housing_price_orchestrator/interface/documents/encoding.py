"""From estimates to the bytes of an answer, encoded once.

`PricedHouse` and `PricedBatch` say what the bytes hold; a test reads them back through these views. What is written are
structs of the same keys: making and writing them takes 0.35 us for each house, and dictionaries 0.8.
"""

import asyncio
from collections.abc import Sequence
from itertools import batched

import msgspec

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.shared.view.record import AnyHouse

SOURCE_HEADER = "X-Price-Source"

HOUSES_PER_SLICE = 1_000
"""Predictions encoded between two looks at the event loop: less than 1 ms of work."""


class _Interval(msgspec.Struct, gc=False):
    low: float
    high: float
    level: float


class _Model(msgspec.Struct, gc=False):
    name: str
    version: str
    id: str


class _Prediction(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    id: int
    transaction_id: str
    predicted_price: float
    price_interval: _Interval
    model: _Model
    degraded: bool = False
    cached: bool = False


_write = msgspec.json.Encoder().encode


def encode_prediction(house: AnyHouse, estimate: PriceEstimate, transaction_id: str) -> bytes:
    """Write one prediction, as `PricedHouse` describes it."""
    return _write(_prediction(house, estimate, transaction_id))


async def encode_predictions(
    houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], transaction_ids: Sequence[str]
) -> bytes:
    """Write a batch's answer, as `PricedBatch` describes it."""
    parts: list[bytes] = []
    for triples in batched(zip(houses, estimates, transaction_ids, strict=True), HOUSES_PER_SLICE, strict=False):
        if parts:
            await asyncio.sleep(0)
        parts.append(_write([_prediction(*triple) for triple in triples])[1:-1])
    return b'{"predictions":[' + b",".join(parts) + b"]}"


def _prediction(house: AnyHouse, estimate: PriceEstimate, transaction_id: str) -> _Prediction:
    model = estimate.model
    return _Prediction(
        house.id,
        transaction_id,
        estimate.price_usd,
        _Interval(estimate.low_usd, estimate.high_usd, INTERVAL_LEVEL),
        _Model(model.name, model.version, model.id),
        degraded=estimate.source == "last-known",
        cached=estimate.source == "cache",
    )


def source_header(estimates: Sequence[PriceEstimate]) -> Sequence[tuple[bytes, bytes]]:
    """Make the header that says that prices are from memory; of several kinds, the one that says the least."""
    if len(estimates) == 1 and estimates[0].source == "model":
        return ()
    sources = {estimate.source for estimate in estimates}
    for source in ("last-known", "cache"):
        if source in sources:
            return [(SOURCE_HEADER.lower().encode(), source.encode())]
    return ()
