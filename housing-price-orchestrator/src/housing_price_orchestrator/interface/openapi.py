"""The OpenAPI document: request bodies and responses that FastAPI cannot derive itself.

The price operations parse the bytes of their bodies themselves, so FastAPI does not see the types. The functions here
describe those bodies and responses from the same views.
"""

import functools
import json
from functools import cached_property
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import describe_access
from housing_price_orchestrator.interface.common_errors import (
    CHALLENGE,
    PROBLEM_CONTENT,
    RATE_LIMITS,
    RETRY_AFTER,
    declare_common_errors,
)
from housing_price_orchestrator.interface.documents.body import NDJSON
from housing_price_orchestrator.interface.documents.encoding import PRICE_SOURCE_HEADER
from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of
from housing_price_orchestrator.interface.problems import INTERNAL_ERROR, PROBLEM_TYPES
from housing_price_orchestrator.interface.timeout import TIMEOUT_HEADER, TIMEOUT_PARAMETER
from housing_price_orchestrator.shared.errors import (
    ComparablesImplausible,
    ComparablesOff,
    JobError,
    PredictionLogError,
    ValueUnsupported,
)
from housing_price_orchestrator.shared.view.actual import ActualPrices
from housing_price_orchestrator.shared.view.estimate import HouseFacts
from housing_price_orchestrator.shared.view.fields import label_schemas
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.job import ScoringOrder
from housing_price_orchestrator.shared.view.valuation import ValuationBatch
from housing_price_platform.orders.moves import CanaryOrder, MoveOrder, ShadowOrder
from housing_price_platform.orders.training import TrainingOrder

_REQUEST_VIEWS: Final = (
    House,
    HouseBatch,
    ValuationBatch,
    HouseFacts,
    ActualPrices,
    ScoringOrder,
    TrainingOrder,
    MoveOrder,
    CanaryOrder,
    ShadowOrder,
)
_REF: Final = "#/components/schemas/{model}"


class InvalidField(BaseModel):
    """One validation error."""

    type: str = Field(description="The kind of error, as a stable identifier.", examples=["literal_error"])
    loc: list[str | int] = Field(description="Path to the invalid value: keys as sent, and list indexes from 0.")
    msg: str = Field(description="Human-readable message.")
    input: Any = Field(default=None, description="The invalid value, if it is a scalar of at most 200 characters.")
    ctx: dict[str, Any] | None = Field(default=None, description="The limits or the allowed values.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="The kind of problem, as a stable identifier.", examples=["urn:housing-price:problem:not-ready"]
    )
    title: str = Field(description="Short summary of the kind of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="Explanation of this problem and how to resolve it.")
    requestId: str = Field(description="Id of the request; quote it when you report the problem.")  # noqa: N815 - public name
    limitBytes: int | None = Field(default=None, description="With 413 and 431: the maximum size, in bytes.")  # noqa: N815 - the same
    expected: str | None = Field(default=None, description="With 415: the supported media types.")
    scope: str | None = Field(default=None, description="With 403: the scope that the key lacks.")
    state: str | None = Field(default=None, description="With 409: the state of the job.")
    missing: list[str] | None = Field(default=None, description="With 503 of `/readyz`: the reasons.")
    errors: list[InvalidField] | None = Field(
        default=None, description="With 422 of a stream's line: its validation errors."
    )


class InvalidRequest(BaseModel):
    """All validation errors of a request: at most 100, then one entry with the number of the others."""

    detail: list[InvalidField] = Field(description="The validation errors.")


class RefusedLine(BaseModel):
    """The result for a line of a stream that could not be priced."""

    line: int = Field(description="Line number, from 1.")
    id: int | None = Field(description="The caller's id of the house; null if the line is not a valid house.")
    error: Problem = Field(description="The problem; `errors` lists the validation errors as in a 422.")


PROBLEM: Final[dict[str, Any]] = {"content": PROBLEM_CONTENT}
"""The content of a response that is a problem document."""

INVALID: Final[dict[str, Any]] = {
    "content": {"application/json": {"schema": {"$ref": _REF.format(model="InvalidRequest")}}},
}
"""The content of a 422 with validation errors."""

_LOCATION: Final = {"Location": {"description": "Path of the job.", "schema": {"type": "string"}}}
_PRICE_SOURCE: Final = {
    PRICE_SOURCE_HEADER: {
        "description": (
            "Present only if a price was not computed for this request (off by default). `cache`: computed a moment "
            "ago by the same model. `last-known`: an earlier price, because the model server is unavailable."
        ),
        "schema": {"type": "string", "enum": ["cache", "last-known"]},
    }
}
_HEADERS_OF_EVERY_RESPONSE: Final = {
    "X-Request-ID": {"description": "The id of the request.", "schema": {"type": "string"}},
    "Server-Timing": {
        "description": "Duration of each processing step until the response started, in milliseconds.",
        "schema": {"type": "string"},
    },
}


def body_of(view: type[BaseModel], example: Any, summary: str) -> dict[str, Any]:
    """Describe a JSON body with a working example."""
    schema = {"$ref": _REF.format(model=view.__name__)}
    examples = {"example": {"summary": summary, "value": example}}
    return {
        "parameters": [TIMEOUT_PARAMETER],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}},
    }


def errors_of_pricing() -> dict[int | str, dict[str, Any]]:
    """Describe every error status of pricing, from the table of errors."""
    titles: dict[int, list[str]] = {}
    for kind, problem in PROBLEM_TYPES.items():
        if issubclass(kind, PredictionLogError | JobError | ValueUnsupported | ComparablesImplausible | ComparablesOff):
            # Failures of the log, of jobs or of the comparables do not affect pricing.
            continue
        titles.setdefault(problem.status, []).append(problem.title)
    titles[500] = [INTERNAL_ERROR.title]
    responses: dict[int | str, dict[str, Any]] = {}
    for status, of_status in sorted(titles.items()):
        content = INVALID if status == 422 else PROBLEM  # noqa: PLR2004 - the one in FastAPI's format
        responses[status] = {"description": "; ".join(of_status), **content}
    responses[503]["headers"] = RETRY_AFTER
    responses[401]["headers"] = responses[403]["headers"] = CHALLENGE
    responses[429]["headers"] = RETRY_AFTER | RATE_LIMITS
    return responses


def responses_of_pricing() -> dict[int | str, dict[str, Any]]:
    """Describe every response of pricing: the headers of a success, and every error."""
    return {200: {"headers": _PRICE_SOURCE}, **errors_of_pricing()}


def responses_of_estimates() -> dict[int | str, dict[str, Any]]:
    """Describe every response of an operation that needs the price model and the comparables model."""
    responses = responses_of_pricing()
    for kind in (ComparablesOff, ComparablesImplausible):
        problem = PROBLEM_TYPES[kind]
        earlier = responses.get(problem.status, {"description": ""})["description"]
        titles = "; ".join(title for title in (earlier, problem.title) if title)
        responses[problem.status] = {"description": titles, **PROBLEM}
    return dict(sorted(responses.items(), key=lambda response: int(response[0])))


def errors_of_history(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an operation on the prediction log: 404, 503 and `statuses`."""
    common = errors_of_pricing()
    responses = {status: common[status] for status in statuses}
    responses[404] = {"description": "Prediction not found; Prediction log disabled", **PROBLEM}
    responses[503] = {"description": "Prediction log unavailable", **PROBLEM, "headers": RETRY_AFTER}
    return responses  # type: ignore[return-value]  # a status is an int or a str


def stream_of_houses(example: Any) -> dict[str, Any]:
    """Describe the streaming operation: one JSON document per line in both directions."""
    line = {key: value for key, value in example.items() if value is not None}
    return {
        "openapi_extra": {
            "parameters": [TIMEOUT_PARAMETER],
            "requestBody": {
                "required": True,
                "description": "One `House` per line, by its keys or by the names of the survey (`MSSubClass`).",
                "content": {
                    NDJSON: {
                        "schema": {"type": "string", "description": "One `House` per line."},
                        "examples": {"example": {"summary": "One house", "value": json.dumps(line) + "\n"}},
                    }
                },
            },
        },
        "responses": {
            200: {
                "description": (
                    "One `PricedHouse` or `RefusedLine` per line, in the order of the request. A refused line has the "
                    "problem that the same house would get alone: its `status` is 413, 422 or one of 5xx."
                ),
                "content": {NDJSON: {"schema": {"type": "string"}}},
            },
            415: errors_of_pricing()[415],
            422: {"description": f"Invalid `{TIMEOUT_HEADER}`", **INVALID},
        },
        "response_class": Response,
        "response_model": None,
    }


class DescribedAPI(FastAPI):
    """FastAPI with a complete OpenAPI document: includes the views of bodies that the operations parse themselves."""

    def __init__(self, *, is_open: bool, **options: Any) -> None:
        """Create the application; a key is optional if it `is_open`. `options` are those of `FastAPI`."""
        self._is_open = is_open
        self._document_behind = functools.lru_cache(maxsize=4)(self._encode_document_behind)
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        """Build the stack from the added middleware only.

        Omits FastAPI's error responses, body limit and telemetry hook, which the added middleware replaces. With them
        a worker serves 7 % fewer single houses over 128 connections (7.7 and 6.1 % in two interleaved runs,
        30 November 2026).
        """
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        for added in reversed(self.user_middleware):
            app = added.cls(app, *added.args, **added.kwargs)
        return app

    def setup(self) -> None:
        """Add the route of the OpenAPI document; `operations.docs` adds the pages that display it."""
        if self.openapi_url:
            self.add_route(self.openapi_url, self._serve_document, include_in_schema=False)

    @cached_property
    def encoded_document(self) -> bytes:
        """The OpenAPI document as JSON. Cached because building it blocks the event loop for 0.1 s."""
        return orjson.dumps(self.openapi())

    def _encode_document_behind(self, prefix: str) -> bytes:
        return orjson.dumps({**self.openapi(), "servers": [{"url": prefix}]})

    async def _serve_document(self, request: Request) -> Response:
        content = self.encoded_document
        if prefix := path_prefix_of(request):
            content = self._document_behind(prefix)
        return Response(content, media_type="application/json", headers={"x-content-type-options": "nosniff"})

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, built at the first call."""
        if self.openapi_schema is None:
            document = super().openapi()
            views = [(view, "validation") for view in (*_REQUEST_VIEWS, Problem, InvalidRequest, RefusedLine)]
            _, definitions = models_json_schema(views, ref_template=_REF)  # type: ignore[arg-type]  # mypy widens "validation" to str
            schemas = document["components"]["schemas"]
            schemas.update(definitions["$defs"])
            label_schemas(schemas, views=(House.__name__, HouseFacts.__name__))
            document["components"]["schemas"] = dict(sorted(schemas.items()))
            describe_access(document, is_open=self._is_open)
            declare_common_errors(document)
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                if accepted := operation["responses"].get("202"):
                    accepted["headers"] = _LOCATION
                for response in operation["responses"].values():
                    response["headers"] = response.get("headers", {}) | _HEADERS_OF_EVERY_RESPONSE
            # FastAPI drops every null, including the meaningful ones in the examples, so the originals are put back.
            for route in self.routes:
                if isinstance(route, APIRoute) and route.openapi_extra:
                    document["paths"][route.path_format]["post"] |= route.openapi_extra
        return self.openapi_schema or {}
