"""The operation `/api/v1/valuation/estimate`."""

import time
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute, RawJsonResponse
from housing_price_orchestrator.interface.calls.valuation_query import check_no_query
from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect
from housing_price_orchestrator.interface.documents.body import read_price_body
from housing_price_orchestrator.interface.documents.encoding import source_header
from housing_price_orchestrator.interface.documents.strict_json import parse_leniently, read_view
from housing_price_orchestrator.interface.documents.wrong_operation import FACTS_EXPECTED, is_not_facts
from housing_price_orchestrator.interface.openapi.bodies import body_of
from housing_price_orchestrator.interface.openapi.headers import PRICE_SOURCE
from housing_price_orchestrator.interface.openapi.house_examples import invalid_facts
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_pricing
from housing_price_orchestrator.interface.services import record_of, services_of
from housing_price_orchestrator.interface.timeout import timeout_seconds_of
from housing_price_orchestrator.service.estimate.estimates import EstimateFromFacts
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.shared.errors import (
    BODY_MISSING,
    ComparablesImplausible,
    ComparablesOff,
    InvalidDocument,
)
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import ModelIdentity
from housing_price_orchestrator.shared.view import estimate as view
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL, ModelName, PriceInterval
from housing_price_orchestrator.shared.view.price import FeatureWarning as FeatureWarningView
from housing_price_orchestrator.shared.view.valuation import DollarYears
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK

router = APIRouter(
    prefix="/api/v1/valuation", tags=["valuation"], route_class=BytesRoute, dependencies=[require_scope("predict")]
)

EXAMPLE_FACTS: Final = {
    key: EXAMPLE_DOCUMENT[key]
    for key in (
        *("id", "neighborhood", "overallQual", "yearBuilt", "grLivArea", "lotArea", "totalBsmtSf", "garageCars"),
        "fullBath",
    )
}
"""Eight facts about the house of the other examples."""


@router.post(
    "/estimate",
    summary="Estimate a price from a few facts",
    operation_id="estimate",
    response_model=view.Estimate,
    responses={
        200: {"headers": PRICE_SOURCE},
        **errors_of_pricing(invalid_facts(view.HouseFacts, EXAMPLE_FACTS), ComparablesOff, ComparablesImplausible),
    },
    openapi_extra=body_of(view.HouseFacts, EXAMPLE_FACTS, "Eight facts about a house of the Ames survey"),
)
async def estimate(request: Request) -> ASGIApp:
    """Estimate the price of a house of which only a few features are known.

    A feature that is left out is unknown; null says that the house does not have it. The 20 sold houses that are most
    similar in the known features supply the others: each completes the house once. The estimate is the median of the
    prices of the 20 completed houses. The response lists the assumed features. The estimate is not logged as a
    prediction, and has no transaction id.
    """
    services, record = services_of(request), record_of(request)
    within_seconds = timeout_seconds_of(request)
    check_no_query(request)
    facts = await _read_facts(request)
    record.rows = 1
    work = services.estimates.estimate(facts.id, facts.known(), within_seconds=within_seconds)
    found = await cancel_on_disconnect(request.receive, work)
    estimated_at = time.perf_counter()
    content = _document(facts.id, found, services.input_warnings).model_dump_json().encode()
    record.encode_seconds = time.perf_counter() - estimated_at
    record.model_id = found.prices[0].model.id
    return RawJsonResponse(content, source_header(found.prices))


async def _read_facts(request: Request) -> view.Facts:
    limits = services_of(request).body_limits
    body = await read_price_body(request, max_bytes=limits.predict_bytes, timeout_seconds=limits.body_seconds)
    started_at = time.perf_counter()
    try:
        return _parse_facts(body)
    finally:
        record_of(request).validate_seconds = time.perf_counter() - started_at


def _parse_facts(body: bytes) -> view.Facts:
    if not body.strip(b" \t\n\r"):
        raise InvalidDocument([BODY_MISSING])
    try:
        return read_view(view.HouseFacts, body)
    except InvalidDocument as error:
        if is_not_facts(parse_leniently(body.removeprefix(BYTE_ORDER_MARK))):
            raise InvalidDocument([FACTS_EXPECTED]) from error
        raise


def _document(house_id: int | None, found: EstimateFromFacts, input_warnings: InputWarnings) -> view.Estimate:
    price, priced = found.price, found.prices[0]
    ranges = input_warnings.ranges_of(priced.model.id)
    years = None if ranges is None else ranges.sale_years
    return view.Estimate.model_construct(
        id=house_id,
        estimate=view.EstimatedAmount.model_construct(
            amount=price.amount_usd,
            interval=PriceInterval.model_construct(low=price.low_usd, high=price.high_usd, level=INTERVAL_LEVEL),
        ),
        assumed=[
            view.Assumption.model_construct(field=one.key, value=one.value, agreement=one.agreement)
            for one in found.assumed
        ],
        sales=list(found.sales),
        dollar_years=None if years is None else DollarYears(first=years[0], last=years[1]),
        warnings=[_warning(one) for one in input_warnings.warnings_of(found.known, priced)],
        model=_name_of(priced.model),
        comparables_model=_name_of(found.comparables),
    )


def _warning(warning: FeatureWarning) -> FeatureWarningView:
    facts: dict[str, Any] = {"field": warning.field, "value": warning.value}
    if warning.range is not None:
        facts["range"] = {"low": warning.range.low, "high": warning.range.high}
    if warning.words is not None:
        facts["words"] = list(warning.words)
    return FeatureWarningView.model_validate(facts)


def _name_of(model: ModelIdentity) -> ModelName:
    return ModelName.model_construct(name=model.name, version=model.version, id=model.id)
