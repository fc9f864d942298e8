"""The operations under `/api/v1/price/actuals`: what houses were sold for, and how far off the prices were."""

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.dependencies import HistoryDep, history_of, limits_of, record_of
from housing_price_orchestrator.interface.documents.body import JSON, read_body
from housing_price_orchestrator.interface.documents.reading import parse_strictly
from housing_price_orchestrator.interface.openapi import body_of, errors_of_history
from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.history import Actual
from housing_price_orchestrator.shared.view.actual import (
    ActualPrices,
    ActualsReceipt,
    RealisedErrorOfMonth,
    RealisedErrors,
    UnknownActual,
)

router = APIRouter(prefix="/api/v1/price/actuals", tags=["actual prices"])

_EXAMPLE = {"data": [{"id": 1461, "salePrice": 105_000, "soldOn": "2010-06-01"}]}


async def take_actuals(request: Request) -> Response:
    """Tell what 1 to 10,000 houses were sold for, by transaction or by the caller's own number for the house.

    Telling the same again changes nothing; telling another price corrects the earlier one. What belongs to no logged
    prediction is reported by its place in the list, and the others are kept.
    """
    limits = limits_of(request)
    body = await read_body(request, limit_bytes=limits.batch_bytes, limit_seconds=limits.body_seconds)
    # In a thread: 10,000 of them take longer than others should wait.
    told = await asyncio.to_thread(_read, body)
    taken = await history_of(request).take(told, key_id=record_of(request).key_id)
    unknown = [
        UnknownActual.model_construct(index=place, transaction_id=told[place].transaction_id, id=told[place].house_id)
        for place in taken.unknown
    ]
    receipt = ActualsReceipt.model_construct(stored=taken.stored, unchanged=taken.unchanged, unknown=unknown)
    return Response(receipt.model_dump_json(), media_type=JSON)


router.routes.append(
    BytesRoute(
        "/api/v1/price/actuals",
        take_actuals,
        methods=["POST"],
        tags=["actual prices"],
        summary="Tell what houses were sold for",
        operation_id="takeActuals",
        dependencies=[require_scope("predict")],
        response_model=ActualsReceipt,
        responses=errors_of_history(400, 408, 413, 415, 422),
        openapi_extra={"requestBody": body_of(ActualPrices, _EXAMPLE, "A house of the survey")["requestBody"]},
    )
)


@router.get(
    "/errors",
    summary="How far off were the prices?",
    operation_id="realisedErrors",
    dependencies=[require_scope("admin")],
    response_model=RealisedErrors,
    responses=errors_of_history(),
)
async def realised_errors(history: HistoryDep) -> Response:
    """Compare prices with what the houses were sold for, by model version and by month of sale."""
    errors = [
        RealisedErrorOfMonth.model_construct(
            model_name=one.model_name,
            model_version=one.model_version,
            month=one.month,
            count=one.count,
            mean_absolute_error=one.mae_usd,
            rmsle=one.rmsle,
            coverage=one.coverage,
        )
        for one in await history.realised_errors()
    ]
    return Response(RealisedErrors.model_construct(errors=errors).model_dump_json(), media_type=JSON)


def _read(body: bytes) -> list[Actual]:
    # Both parse the bytes: the first refuses equal keys, the second says what is wrong with what they hold.
    parse_strictly(body)
    try:
        read = ActualPrices.model_validate_json(body)
    except ValidationError as error:
        findings = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise InvalidDocument(findings[:MAX_FINDINGS], max(0, len(findings) - MAX_FINDINGS)) from error
    return [Actual(one.transaction_id, one.id, one.sale_price, one.sold_on) for one in read.data]
