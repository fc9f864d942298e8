"""The operations under `/api/v1/price`."""

from fastapi import APIRouter, Request
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.calls.pricing_call import PricingCall
from housing_price_orchestrator.interface.documents import ndjson
from housing_price_orchestrator.interface.documents.body import NDJSON, check_price_media_type
from housing_price_orchestrator.interface.openapi.bodies import body_of, stream_of_houses
from housing_price_orchestrator.interface.openapi.headers import PRICE_SOURCE
from housing_price_orchestrator.interface.openapi.house_examples import INVALID_HOUSE, INVALID_TIMEOUT, invalid_batch
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_pricing, errors_of_streams
from housing_price_orchestrator.interface.services import record_of, services_of
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
    responses={200: {"headers": PRICE_SOURCE}, **errors_of_pricing(INVALID_HOUSE)},
    openapi_extra=body_of(House, EXAMPLE_DOCUMENT, "A house from the Ames survey, sold for 105,000 USD"),
)
async def predict(request: Request) -> ASGIApp:
    """Predict the sale price of one house, with a 90 % prediction interval and the model version used."""
    call = PricingCall(request)
    return await call.price(await call.read_house())


@router.post(
    "/predict/batch",
    summary="Price a batch of houses",
    operation_id="predictBatch",
    response_model=PricedBatch,
    responses={200: {"headers": PRICE_SOURCE}, **errors_of_pricing(invalid_batch(HouseBatch))},
    openapi_extra=body_of(HouseBatch, {"data": [EXAMPLE_DOCUMENT]}, "A batch of one house"),
)
async def predict_batch(request: Request) -> ASGIApp:
    """Predict the sale prices of 1 to 10,000 houses.

    The response has one prediction per house, in the same order. If one house cannot be priced, the request fails.
    """
    call = PricingCall(request)
    return await call.price_all(await call.read_houses())


@router.post(
    "/predict/stream",
    summary="Price a stream of houses",
    operation_id="predictStream",
    **stream_of_houses(EXAMPLE_DOCUMENT, errors_of_streams(INVALID_TIMEOUT, NDJSON)),
)
async def predict_stream(request: Request) -> ASGIApp:
    """Send one house per line and receive one result per line, in the same order, while the request is still sending.

    A line that cannot be priced yields an error object with the line number; the stream continues.
    """
    check_price_media_type(request, NDJSON)
    services = services_of(request)
    limits = services.body_limits
    return ndjson.NdjsonPricing(
        services.pricing,
        services.input_warnings,
        services.transactions,
        services.stream_gate,
        max_line_bytes=limits.line_bytes,
        idle_seconds=limits.idle_seconds,
        record=record_of(request),
        metrics=services.request_metrics,
        within_seconds=timeout_seconds_of(request),
    )
