"""The operations under `/api/v1/price/actuals`: actual sale prices and the realised error of predictions."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from housing_price_orchestrator.interface.access import log_caller_of, require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.documents.body import JSON, read_body
from housing_price_orchestrator.interface.documents.strict_json import read_view
from housing_price_orchestrator.interface.openapi.bodies import content_of, request_body
from housing_price_orchestrator.interface.openapi.problem_examples import invalid_body
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_history, errors_of_reports
from housing_price_orchestrator.interface.openapi.views import reference_to
from housing_price_orchestrator.interface.services import ServicesDep, services_of
from housing_price_orchestrator.shared.history import MAX_ACTUALS, Actual
from housing_price_orchestrator.shared.view.actual import (
    ActualPrices,
    ActualsReceipt,
    Measure,
    RatioStudy,
    RealisedErrorOfMonth,
    RealisedErrors,
    RealisedStudy,
    UnknownActual,
)
from housing_price_survey import ratio_study

router = APIRouter(prefix="/api/v1/price/actuals", tags=["actual prices"])

MAX_COLONS: Final = 5 * MAX_ACTUALS
"""Maximum colons in a body: each sale has up to three keys."""

_SALE: Final = {"id": 1461, "salePrice": 105_000, "soldOn": "2010-06-01"}
_EXAMPLE: Final = {"data": [_SALE]}
_INVALID: Final = invalid_body(ActualPrices, {"data": [{**_SALE, "salePrice": "105,000"}]})


async def take_actuals(request: Request) -> Response:
    """Report the sale prices of 1 to 10,000 houses, by transaction id or by your own id of the house.

    Reporting the same price again has no effect; reporting a different price replaces the earlier one. Entries that
    match none of your logged predictions are listed in `unknown` by their index; the other entries are stored.
    A house id means your own house of this id. With the scope `admin`, a transaction id of any caller is accepted.
    """
    services = services_of(request)
    limits = services.body_limits
    body = await read_body(request, max_bytes=limits.batch_bytes, timeout_seconds=limits.body_seconds)
    # In a thread: validating 10,000 entries would block the event loop for too long.
    actuals = await asyncio.to_thread(_parse, body)
    taken = await services.history.store_actuals(actuals, log_caller_of(request))
    unknown = [
        UnknownActual.model_construct(
            index=index, transaction_id=actuals[index].transaction_id, id=actuals[index].house_id
        )
        for index in taken.unknown
    ]
    receipt = ActualsReceipt.model_construct(stored=taken.stored, unchanged=taken.unchanged, unknown=unknown)
    return Response(receipt.model_dump_json(), media_type=JSON)


router.routes.append(
    BytesRoute(
        "/api/v1/price/actuals",
        take_actuals,
        methods=["POST"],
        tags=["actual prices"],
        summary="Report actual sale prices",
        operation_id="takeActuals",
        dependencies=[require_scope("predict")],
        response_model=ActualsReceipt,
        responses=errors_of_reports(_INVALID),
        openapi_extra={
            "requestBody": request_body(
                {JSON: content_of(reference_to(ActualPrices), _EXAMPLE, "A house from the Ames survey")}
            )
        },
    )
)


@router.get(
    "/errors",
    summary="Show realised error by model version and month",
    operation_id="realisedErrors",
    dependencies=[require_scope("predict", "admin")],
    response_model=RealisedErrors,
    responses=errors_of_history(),
)
async def realised_errors(request: Request, services: ServicesDep) -> Response:
    """Compare your predicted prices with actual sale prices: by model version and month, and as ratio studies.

    With the scope `admin`, the predictions of all callers are compared.
    """
    caller = log_caller_of(request)
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
        for one in await services.history.realised_errors(caller)
    ]
    studies = [
        RealisedStudy.model_construct(
            model_name=one.model_name,
            model_version=one.model_version,
            all_sales=_study(one.all_sales),
            arms_length=_study(one.arms_length) if one.arms_length else None,
        )
        for one in await services.history.realised_studies(caller)
    ]
    document = RealisedErrors.model_construct(errors=errors, studies=studies)
    return Response(document.model_dump_json(), media_type=JSON)


def _study(study: ratio_study.RatioStudy) -> RatioStudy:
    return RatioStudy.model_construct(
        sales=study.sales,
        median_ratio=_measure(study.median_ratio),
        cod=_measure(study.cod),
        prd=_measure(study.prd),
        prb=_measure(study.prb) if study.prb else None,
        within5=study.within_5,
        within10=study.within_10,
        within20=study.within_20,
        forecast_standard_deviation=study.forecast_standard_deviation,
    )


def _measure(measured: ratio_study.Measured) -> Measure:
    return Measure.model_construct(value=measured.value, low=measured.low, high=measured.high)


def _parse(body: bytes) -> list[Actual]:
    document = read_view(ActualPrices, body, max_colons=MAX_COLONS)
    return [Actual(one.transaction_id, one.id, one.sale_price, one.sold_on) for one in document.data]
