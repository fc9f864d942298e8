"""The operations under `/api/v1/price`."""

import time

from fastapi import APIRouter, Request
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute, RawJsonResponse
from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect
from housing_price_orchestrator.interface.dependencies import (
    limits_of,
    pricing_of,
    record_of,
    request_metrics_of,
    stream_gate_of,
    timers_of,
    transactions_of,
)
from housing_price_orchestrator.interface.documents import ndjson
from housing_price_orchestrator.interface.documents.body import NDJSON, check_media_type, read_body
from housing_price_orchestrator.interface.documents.encoding import encode_prediction, encode_predictions, source_header
from housing_price_orchestrator.interface.documents.reading import read_house, read_houses
from housing_price_orchestrator.interface.openapi import body_of, responses_of_pricing, stream_of_houses
from housing_price_orchestrator.interface.timeout import timeout_seconds_of
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.price import PricedBatch, PricedHouse

router = APIRouter(
    prefix="/api/v1/price", tags=["price"], route_class=BytesRoute, dependencies=[require_scope("predict")]
)


@router.post(
    "/predict",
    summary="Price one house",
    operation_id="predict",
    response_model=PricedHouse,
    responses=responses_of_pricing(),
    openapi_extra=body_of(House, EXAMPLE_DOCUMENT, "A house from the Ames survey, sold for 105,000 USD"),
)
async def predict(request: Request) -> ASGIApp:
    """Predict the sale price of one house, with a 90 % prediction interval and the model version used."""
    limits = limits_of(request)
    timeout_seconds = timeout_seconds_of(request)
    body = await read_body(request, max_bytes=limits.predict_bytes, timeout_seconds=limits.body_seconds)
    record = record_of(request)
    read_at = time.perf_counter()
    try:
        house = read_house(body)
    finally:
        record.validate_seconds = time.perf_counter() - read_at
    record.rows = 1
    estimate = await cancel_on_disconnect(
        request.receive, pricing_of(request).price(house, within_seconds=timeout_seconds), timers_of(request)
    )
    priced_at = time.perf_counter()
    (transaction_id,) = transactions_of(request).complete((house,), (estimate,))
    content = encode_prediction(house, estimate, transaction_id)
    record.encode_seconds = time.perf_counter() - priced_at
    record.model_id = estimate.model.id
    return RawJsonResponse(content, source_header((estimate,)))


@router.post(
    "/predict/batch",
    summary="Price a batch of houses",
    operation_id="predictBatch",
    response_model=PricedBatch,
    responses=responses_of_pricing(),
    openapi_extra=body_of(HouseBatch, {"data": [EXAMPLE_DOCUMENT]}, "A batch of one house"),
)
async def predict_batch(request: Request) -> ASGIApp:
    """Predict the sale prices of 1 to 10,000 houses.

    The response has one prediction per house, in the same order. If one house cannot be priced, the request fails.
    """
    limits = limits_of(request)
    timeout_seconds = timeout_seconds_of(request)
    body = await read_body(request, max_bytes=limits.batch_bytes, timeout_seconds=limits.body_seconds)
    record = record_of(request)
    read_at = time.perf_counter()
    try:
        houses = await read_houses(body)
    finally:
        record.validate_seconds = time.perf_counter() - read_at
    record.rows = len(houses)
    pricing = pricing_of(request).price_all(houses, within_seconds=timeout_seconds)
    estimates = await cancel_on_disconnect(request.receive, pricing, timers_of(request))
    priced_at = time.perf_counter()
    transaction_ids = transactions_of(request).complete(houses, estimates)
    content = await encode_predictions(houses, estimates, transaction_ids)
    record.encode_seconds = time.perf_counter() - priced_at
    record.model_id = estimates[-1].model.id
    return RawJsonResponse(content, source_header(estimates), freed_after_sending=(body, houses, estimates))


@router.post(
    "/predict/stream",
    summary="Price a stream of houses",
    operation_id="predictStream",
    **stream_of_houses(EXAMPLE_DOCUMENT),
)
async def predict_stream(request: Request) -> ASGIApp:
    """Send one house per line and receive one result per line, in the same order, while the request is still sending.

    A line that cannot be priced yields an error object with the line number; the stream continues.
    """
    limits = limits_of(request)
    check_media_type(request, NDJSON)
    return ndjson.NdjsonPricing(
        pricing_of(request),
        transactions_of(request),
        stream_gate_of(request),
        max_line_bytes=limits.line_bytes,
        idle_seconds=limits.idle_seconds,
        record=record_of(request),
        metrics=request_metrics_of(request),
        within_seconds=timeout_seconds_of(request),
    )
