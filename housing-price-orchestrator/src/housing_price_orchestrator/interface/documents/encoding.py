"""From estimates to the bytes of an answer: encoded once, with no model object in between.

`PricedHouse` and `PricedBatch` say what the bytes hold; a test reads them back through these views.
"""

import asyncio
from collections.abc import Sequence
from itertools import batched
from typing import Any

import orjson

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.shared.view.record import AnyHouse

SOURCE_HEADER = "X-Price-Source"

HOUSES_PER_SLICE = 1_000
"""Predictions encoded between two looks at the event loop: about 1 ms of work."""


def encode_prediction(house: AnyHouse, estimate: PriceEstimate, transaction_id: str) -> bytes:
    """Write one prediction, as `PricedHouse` describes it."""
    return orjson.dumps(_prediction(house, estimate, transaction_id))


async def encode_predictions(
    houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], transaction_ids: Sequence[str]
) -> bytes:
    """Write a batch's answer, as `PricedBatch` describes it."""
    parts: list[bytes] = []
    for triples in batched(zip(houses, estimates, transaction_ids, strict=True), HOUSES_PER_SLICE, strict=False):
        if parts:
            await asyncio.sleep(0)
        parts.append(orjson.dumps([_prediction(*triple) for triple in triples])[1:-1])
    return b'{"predictions":[' + b",".join(parts) + b"]}"


def _prediction(house: AnyHouse, estimate: PriceEstimate, transaction_id: str) -> dict[str, Any]:
    model = estimate.model
    prediction = {
        "id": house.id,
        "transactionId": transaction_id,
        "predictedPrice": estimate.price_usd,
        "priceInterval": {"low": estimate.low_usd, "high": estimate.high_usd, "level": INTERVAL_LEVEL},
        "model": {"name": model.name, "version": model.version, "id": model.id},
    }
    if estimate.source != "model":
        prediction["degraded" if estimate.source == "last-known" else "cached"] = True
    return prediction


def source_header(estimates: Sequence[PriceEstimate]) -> Sequence[tuple[bytes, bytes]]:
    """Make the header that says that prices are from memory; of several kinds, the one that says the least."""
    if len(estimates) == 1 and estimates[0].source == "model":
        return ()
    sources = {estimate.source for estimate in estimates}
    for source in ("last-known", "cache"):
        if source in sources:
            return [(SOURCE_HEADER.lower().encode(), source.encode())]
    return ()
