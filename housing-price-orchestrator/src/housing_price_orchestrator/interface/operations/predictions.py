"""The operations under `/api/v1/predictions`: logged houses, their prices and the models that priced them."""

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Any, Final, Self

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from housing_price_orchestrator.interface.access import log_caller_of, require_scope
from housing_price_orchestrator.interface.documents.body import JSON
from housing_price_orchestrator.interface.openapi.problem_examples import invalid_parameter
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_history
from housing_price_orchestrator.interface.problems import INTERNAL_ERROR, PROBLEM_TYPES, problem_urn
from housing_price_orchestrator.interface.request_id import REQUEST_ID_PATTERN
from housing_price_orchestrator.interface.services import ServicesDep
from housing_price_orchestrator.shared.errors import PredictionUnknown
from housing_price_orchestrator.shared.history import LoggedPrediction, LogPosition, LogQuery
from housing_price_orchestrator.shared.ports import ModelIdentity, ValuationRecord
from housing_price_orchestrator.shared.view.logged import LoggedPrice, LoggedPrices
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL, TransactionId

router = APIRouter(prefix="/api/v1/predictions", tags=["predictions"], dependencies=[require_scope("predict", "admin")])

DEFAULT_PAGE, MAX_PAGE = 100, 1_000

PROBLEMS_BY_NAME: Final = {error.__name__: problem for error, problem in PROBLEM_TYPES.items()}
"""The problem type of each class of errors, by its name in the log."""

# Texts that the log can hold. Others match nothing, and Postgres rejects some of them (NUL).
_REQUEST_ID: Final = f"^{REQUEST_ID_PATTERN}$"
_NO_CONTROL_CHARACTERS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"


def _check_cursor(cursor: str) -> str:
    _decode_cursor(cursor)
    return cursor


_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*")


def _check_time_format(time: object) -> object:
    """Accept only RFC 3339 times: pydantic would also read a bare number as seconds since 1970."""
    if isinstance(time, str) and not _TIME.fullmatch(time):
        raise ValueError("expected an RFC 3339 time such as 2026-11-21T06:00:00Z")
    return time


PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE)]
Time = Annotated[AwareDatetime, BeforeValidator(_check_time_format)]


class PredictionFilter(BaseModel):
    """The query parameters of a search."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    request_id: Annotated[str | None, Field(alias="requestId", pattern=_REQUEST_ID)] = None
    """Only predictions of this request: the `X-Request-ID` of its answer."""
    model_version: Annotated[
        str | None, Field(alias="modelVersion", max_length=128, pattern=_NO_CONTROL_CHARACTERS)
    ] = None
    """Only predictions of this model version."""
    since: Annotated[Time | None, Field(alias="from")] = None
    """Only predictions made at or after this RFC 3339 time, such as `2026-11-21T06:00:00Z`."""
    until: Annotated[Time | None, Field(alias="to")] = None
    """Only predictions made before this time."""
    limit: PageSize = DEFAULT_PAGE
    """Maximum number of predictions per page."""
    cursor: Annotated[str, Field(max_length=200), AfterValidator(_check_cursor)] | None = None
    """The `next` of the previous page. Repeat the other parameters unchanged."""

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("`from` must not be later than `to`")
        return self


@router.get(
    "",
    summary="Search logged predictions",
    operation_id="findPredictions",
    response_model=LoggedPrices,
    responses=errors_of_history(invalid_parameter(PageSize, "query", "limit", "0")),
)
async def find_predictions(
    request: Request, services: ServicesDep, wanted: Annotated[PredictionFilter, Query()]
) -> Response:
    """List your logged predictions, newest first, in pages. With the scope `admin`, list those of all callers."""
    found = await services.history.search(
        LogQuery(
            # One more than the limit shows whether there is another page.
            limit=wanted.limit + 1,
            request_id=wanted.request_id,
            model_version=wanted.model_version,
            since=wanted.since,
            until=wanted.until,
            after=None if wanted.cursor is None else _decode_cursor(wanted.cursor),
        ),
        log_caller_of(request),
    )
    page = found[: wanted.limit]
    next_cursor = _encode_cursor(page[-1]) if len(found) > wanted.limit else None
    return _json_response({"predictions": [_document(logged) for logged in page], "next": next_cursor})


@router.get(
    "/{transactionId}",
    summary="Get a logged prediction",
    operation_id="getPrediction",
    response_model=LoggedPrice,
    responses=errors_of_history(invalid_parameter(TransactionId, "path", "transactionId", "1461"), PredictionUnknown),
)
async def get_prediction(
    request: Request,
    services: ServicesDep,
    transaction_id: Annotated[TransactionId, Path(alias="transactionId", description="The transaction id.")],
) -> Response:
    """Return the house, price, valuation and models of one of your transactions; with the scope `admin`, of any."""
    return _json_response(_document(await services.history.find(transaction_id, log_caller_of(request))))


def _json_response(document: Any) -> Response:
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), media_type=JSON)


def _document(logged: LoggedPrediction) -> dict[str, Any]:
    estimate = logged.estimate
    return {
        "transactionId": logged.transaction_id,
        "predictedAt": logged.predicted_at,
        "requestId": logged.request_id,
        "keyId": logged.key_id,
        "house": logged.house,
        "predictedPrice": estimate.price_usd,
        "priceInterval": _interval(estimate.low_usd, estimate.high_usd),
        "model": _model(estimate.model),
        "source": logged.source,
        "degraded": logged.source == "last-known",
        "variant": logged.variant,
        "valuation": None if logged.valuation is None else _valuation(logged.valuation),
    }


def _valuation(logged: ValuationRecord) -> dict[str, Any]:
    comparables = logged.comparables
    return {
        "value": {
            "amount": logged.value_usd,
            "interval": _interval(logged.low_usd, logged.high_usd),
            "method": logged.method,
            "confidence": logged.confidence,
        },
        "parts": logged.parts,
        "comparables": None if comparables is None else {"sales": logged.sales, "model": _model(comparables)},
        "problems": [_problem(part, name) for part, name in logged.problems.items()],
    }


def _problem(part: str, error_name: str) -> dict[str, Any]:
    """Return the problem of a part; the log has the class of its error."""
    problem = PROBLEMS_BY_NAME.get(error_name, INTERNAL_ERROR)
    return {"part": part, "type": problem_urn(problem), "title": problem.title}


def _interval(low_usd: float, high_usd: float) -> dict[str, float]:
    return {"low": low_usd, "high": high_usd, "level": INTERVAL_LEVEL}


def _model(model: ModelIdentity) -> dict[str, str]:
    return {"name": model.name, "version": model.version, "id": model.id}


def _encode_cursor(last: LoggedPrediction) -> str:
    return base64.urlsafe_b64encode(f"{last.predicted_at.isoformat()} {last.transaction_id}".encode()).decode()


def _decode_cursor(cursor: str) -> LogPosition:
    try:
        at, _, transaction_id = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").partition(" ")
        time = datetime.fromisoformat(at)
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a valid cursor") from error
    if time.tzinfo is None or not transaction_id.isalnum():
        raise ValueError("not a valid cursor")
    return LogPosition(time, transaction_id)
