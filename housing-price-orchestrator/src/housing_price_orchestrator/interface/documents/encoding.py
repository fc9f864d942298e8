"""Encodes estimates as JSON responses.

The views `PricedHouse` and `PricedBatch` define the format; a test parses the bytes with them. The encoder uses
msgspec structs with the same keys: 0.35 us per house, where dictionaries take 0.8 us.
"""

import asyncio
from collections.abc import Sequence
from itertools import batched
from typing import Final

import msgspec

from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.shared.view.record import AnyHouse

PRICE_SOURCE_HEADER: Final = "X-Price-Source"

HOUSES_PER_SLICE: Final = 250
"""Predictions encoded before yielding to the event loop: less than 1 ms of work."""


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
    warnings: tuple[FeatureWarning, ...] = ()


_encode = msgspec.json.Encoder().encode


def encode_prediction(
    house: AnyHouse, estimate: PriceEstimate, transaction_id: str, input_warnings: InputWarnings
) -> bytes:
    """Encode one prediction as a `PricedHouse`."""
    return _encode(_prediction(house, estimate, transaction_id, input_warnings))


async def encode_predictions(
    houses: Sequence[AnyHouse],
    estimates: Sequence[PriceEstimate],
    transaction_ids: Sequence[str],
    input_warnings: InputWarnings,
) -> bytes:
    """Encode the predictions of a batch as a `PricedBatch`."""
    parts: list[bytes] = []
    for triples in batched(zip(houses, estimates, transaction_ids, strict=True), HOUSES_PER_SLICE, strict=False):
        if parts:
            await asyncio.sleep(0)
        parts.append(_encode([_prediction(*triple, input_warnings) for triple in triples])[1:-1])
    return b'{"predictions":[' + b",".join(parts) + b"]}"


def _prediction(
    house: AnyHouse, estimate: PriceEstimate, transaction_id: str, input_warnings: InputWarnings
) -> _Prediction:
    model = estimate.model
    return _Prediction(
        house.id,
        transaction_id,
        estimate.price_usd,
        _Interval(estimate.low_usd, estimate.high_usd, INTERVAL_LEVEL),
        _Model(model.name, model.version, model.id),
        degraded=estimate.source == "last-known",
        cached=estimate.source == "cache",
        warnings=input_warnings.warnings_of(house, estimate),
    )


def source_header(estimates: Sequence[PriceEstimate]) -> Sequence[tuple[bytes, bytes]]:
    """Make the `X-Price-Source` header if any price was not computed for this request: `last-known` before `cache`."""
    if len(estimates) == 1 and estimates[0].source == "model":
        return ()
    sources = {estimate.source for estimate in estimates}
    for source in ("last-known", "cache"):
        if source in sources:
            return [(PRICE_SOURCE_HEADER.lower().encode(), source.encode())]
    return ()
