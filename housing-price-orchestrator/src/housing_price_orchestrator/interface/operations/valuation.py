"""The operations under `/api/v1/valuation`."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.calls.valuation_call import ValuationCall
from housing_price_orchestrator.interface.calls.valuation_query import INCLUDE_PARAMETER
from housing_price_orchestrator.interface.openapi.bodies import body_of
from housing_price_orchestrator.interface.openapi.headers import PRICE_SOURCE
from housing_price_orchestrator.interface.openapi.house_examples import INVALID_HOUSE, invalid_batch
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_pricing
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.valuation import Valuation, ValuationBatch, Valuations

router = APIRouter(
    prefix="/api/v1/valuation", tags=["valuation"], route_class=BytesRoute, dependencies=[require_scope("predict")]
)


def _with_query(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "parameters": [INCLUDE_PARAMETER, *described["parameters"]]}


@router.post(
    "",
    summary="Value one house",
    operation_id="value",
    response_model=Valuation,
    responses={200: {"headers": PRICE_SOURCE}, **errors_of_pricing(INVALID_HOUSE)},
    openapi_extra=_with_query(body_of(House, EXAMPLE_DOCUMENT, "A house from the Ames survey, sold for 105,000 USD")),
)
async def value(request: Request) -> ASGIApp:
    """Estimate the market value of one house from its predicted price and from comparable sales.

    The price is required. A part that fails is null in the response, and `problems` says why; the status is still 200.
    Without comparable sales the value is the predicted price.
    """
    call = ValuationCall(request)
    return await call.value(await call.read_house())


@router.post(
    "/batch",
    summary="Value a batch of houses",
    operation_id="valueBatch",
    response_model=Valuations,
    responses={200: {"headers": PRICE_SOURCE}, **errors_of_pricing(invalid_batch(ValuationBatch))},
    openapi_extra=_with_query(body_of(ValuationBatch, {"data": [EXAMPLE_DOCUMENT]}, "A batch of one house")),
)
async def value_batch(request: Request) -> ASGIApp:
    """Estimate the market values of 1 to 200 houses.

    The response has one valuation per house, in the same order. If one house cannot be priced, the request fails. Any
    other part may fail for some of the houses. For many houses, explanations may take longer than the deadline: include
    only `comparables` if you do not need them.
    """
    call = ValuationCall(request)
    return await call.value_all(await call.read_houses())
