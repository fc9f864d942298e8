"""What the operations' documents look like in OpenAPI.

The price operations read their bodies themselves, strictly and from bytes, so FastAPI cannot know them: what it would
have written is put in here, from the same views.
"""

import json
from functools import cached_property
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.access import describe_access
from housing_price_orchestrator.interface.documents.body import NDJSON
from housing_price_orchestrator.interface.problems import ANSWER_OF_ERROR, PROBLEM_MEDIA_TYPE
from housing_price_orchestrator.interface.timeout import TIMEOUT_HEADER, TIMEOUT_PARAMETER
from housing_price_orchestrator.shared.errors import JobError, PredictionLogError
from housing_price_orchestrator.shared.view.actual import ActualPrices
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.job import ScoringOrder, TrainingOrder
from housing_price_orchestrator.shared.view.model import CanaryOrder, MoveOrder, ShadowOrder

_SENT = (House, HouseBatch, ActualPrices, ScoringOrder, TrainingOrder, MoveOrder, CanaryOrder, ShadowOrder)
_REF = "#/components/schemas/{model}"


class InvalidField(BaseModel):
    """One thing that is wrong with a request."""

    type: str = Field(description="The kind of error, as a stable name.", examples=["literal_error"])
    loc: list[str | int] = Field(description="Where: keys in the caller's spelling, and positions in lists.")
    msg: str = Field(description="What would be right.")
    input: Any = Field(default=None, description="What was sent, if it is a scalar of up to 200 characters.")
    ctx: dict[str, Any] | None = Field(default=None, description="The bounds or the words that are allowed.")


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(description="What happened, as a stable name.", examples=["urn:housing-price:problem:not-ready"])
    title: str = Field(description="What happened, in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What can be done about it.")
    requestId: str = Field(description="The id of the request, to be quoted when it is reported.")  # noqa: N815 - public name
    limitBytes: int | None = Field(default=None, description="With 413: the most bytes that are taken.")  # noqa: N815 - the same
    expected: str | None = Field(default=None, description="With 415: the media type that is taken.")
    scope: str | None = Field(default=None, description="With 403: what the key would have to be good for.")
    state: str | None = Field(default=None, description="With 409: the state that the job is in.")
    missing: list[str] | None = Field(default=None, description="With 503 of `/readyz`: what is missing.")
    errors: list[InvalidField] | None = Field(default=None, description="With 422 of a line: what is wrong with it.")


class InvalidRequest(BaseModel):
    """Everything that is wrong with a request: at most 100 findings, and then a count."""

    detail: list[InvalidField] = Field(description="The findings.")


class RefusedLine(BaseModel):
    """The answer to a line of a stream that could not be priced."""

    line: int = Field(description="The number of the line, from 1.")
    id: int | None = Field(description="The caller's own number for the house; null where the line is no valid house.")
    error: Problem = Field(description="What is wrong; `errors` lists the fields as in a 422.")


PROBLEM: dict[str, Any] = {"content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}}
"""The content of an answer that is a problem document."""

INVALID: dict[str, Any] = {
    "content": {"application/json": {"schema": {"$ref": _REF.format(model="InvalidRequest")}}},
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer"}}}


_REFUSALS_OF_ACCESS = (401, 403, 429)
_CHALLENGE = {"WWW-Authenticate": {"description": "What to send (RFC 6750).", "schema": {"type": "string"}}}
_RATE_LIMITS = {
    "RateLimit-Policy": {
        "description": "How many requests (`q`) in how many seconds (`w`).",
        "schema": {"type": "string"},
    },
    "RateLimit": {"description": "What is left (`r`) for how many seconds (`t`).", "schema": {"type": "string"}},
}
_PRICE_SOURCE = {
    "X-Price-Source": {
        "description": (
            "Only where a price is from memory, which is off unless it is configured: `cache`, made a moment ago by "
            "the same model; `last-known`, because the model server is away."
        ),
        "schema": {"type": "string", "enum": ["cache", "last-known"]},
    }
}
_ALWAYS = {
    "X-Request-ID": {"description": "The id of the request.", "schema": {"type": "string"}},
    "Server-Timing": {
        "description": "Where the time went, in milliseconds, as far as it is known when the answer begins.",
        "schema": {"type": "string"},
    },
}


def body_of(view: type[BaseModel], example: Any, summary: str) -> dict[str, Any]:
    """Describe a JSON body and an example that runs as it is."""
    schema = {"$ref": _REF.format(model=view.__name__)}
    examples = {"example": {"summary": summary, "value": example}}
    return {
        "parameters": [TIMEOUT_PARAMETER],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}},
    }


def errors_of_pricing() -> dict[int | str, dict[str, Any]]:
    """Describe every status that pricing can end with, from the table of errors."""
    titles: dict[int, list[str]] = {}
    for kind, answer in ANSWER_OF_ERROR.items():
        if issubclass(kind, PredictionLogError | JobError):
            # Whatever becomes of the log or of jobs, prices are answered.
            continue
        titles.setdefault(answer.status, []).append(answer.title)
    titles[500] = ["Something went wrong here"]
    responses: dict[int | str, dict[str, Any]] = {}
    for status, said in sorted(titles.items()):
        content = INVALID if status == 422 else PROBLEM  # noqa: PLR2004 - the one that is FastAPI's own
        responses[status] = {"description": "; ".join(said), **content}
    responses[503]["headers"] = RETRY_AFTER
    responses[401]["headers"] = responses[403]["headers"] = _CHALLENGE
    responses[429]["headers"] = RETRY_AFTER | _RATE_LIMITS
    return responses


def answers_of_pricing() -> dict[int | str, dict[str, Any]]:
    """Describe every answer of pricing: what stands beside the prices, and every error."""
    return {200: {"headers": _PRICE_SOURCE}, **errors_of_pricing()}


def errors_of_history(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe what questions to the prediction log can end with: that it is off or away, and these statuses."""
    common = errors_of_pricing()
    responses = {status: common[status] for status in statuses}
    responses[404] = {"description": "No such prediction, or nothing is logged", **PROBLEM}
    responses[503] = {"description": "The prediction log is away", **PROBLEM, "headers": RETRY_AFTER}
    return responses  # type: ignore[return-value]  # a status is an int or a str


def refusals_of_access() -> dict[str, dict[str, Any]]:
    """Describe how whoever may not use an operation is told so."""
    responses = errors_of_pricing()
    return {str(status): responses[status] for status in _REFUSALS_OF_ACCESS}


def stream_of_houses(example: Any) -> dict[str, Any]:
    """Describe the operation that takes and gives one JSON document per line."""
    line = {key: value for key, value in example.items() if value is not None}
    return {
        "openapi_extra": {
            "parameters": [TIMEOUT_PARAMETER],
            "requestBody": {
                "required": True,
                "description": "One `House` per line.",
                "content": {
                    NDJSON: {
                        "schema": {"type": "string", "description": "Lines, each a `House`."},
                        "examples": {"example": {"summary": "One house", "value": json.dumps(line) + "\n"}},
                    }
                },
            },
        },
        "responses": {
            200: {
                "description": "One `PricedHouse` or `RefusedLine` per line, in the order of the request.",
                "content": {NDJSON: {"schema": {"type": "string"}}},
            },
            415: errors_of_pricing()[415],
            422: {"description": f"`{TIMEOUT_HEADER}` is not as it should be", **INVALID},
            500: errors_of_pricing()[500],
        },
        "response_class": Response,
        "response_model": None,
    }


class DescribedAPI(FastAPI):
    """FastAPI, whose OpenAPI document also holds the views that it does not read itself."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put around the routes what this service uses, and not what FastAPI puts there for others.

        Left out are its own answers to errors, its limit of bodies and its hook for telemetry: ours stand in the
        middleware that was added, and each layer costs a few microseconds for each request.
        """
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        for added in reversed(self.user_middleware):
            app = added.cls(app, *added.args, **added.kwargs)
        return app

    def setup(self) -> None:
        """Serve the document; the pages that show it are added by `docs`."""
        if self.openapi_url:
            self.add_route(self.openapi_url, self._answer_with_document, include_in_schema=False)

    @cached_property
    def encoded(self) -> bytes:
        """The document as it is sent. Building it takes a tenth of a second, in which nothing else is answered."""
        return orjson.dumps(self.openapi())

    async def _answer_with_document(self, request: Request) -> Response:
        content = self.encoded
        if root := request.scope.get("root_path", "").rstrip("/"):
            content = orjson.dumps({**self.openapi(), "servers": [{"url": root}]})
        return Response(content, media_type="application/json", headers={"x-content-type-options": "nosniff"})

    def openapi(self) -> dict[str, Any]:
        """Build the document once."""
        if self.openapi_schema is None:
            document = super().openapi()
            views = [(view, "validation") for view in (*_SENT, Problem, InvalidRequest, RefusedLine)]
            _, definitions = models_json_schema(views, ref_template=_REF)  # type: ignore[arg-type]
            schemas = document["components"]["schemas"]
            schemas.update(definitions["$defs"])
            document["components"]["schemas"] = dict(sorted(schemas.items()))
            access = self.state.access
            is_open = access is None or access.is_open
            describe_access(document, is_open=is_open, refusals=refusals_of_access())
            for operation in (operation for path in document["paths"].values() for operation in path.values()):
                operation["responses"].setdefault("500", {"description": "Something went wrong here", **PROBLEM})
                for response in operation["responses"].values():
                    response["headers"] = response.get("headers", {}) | _ALWAYS
            # FastAPI drops every null, also those of the examples, where they mean something.
            for route in self.routes:
                if isinstance(route, APIRoute) and route.openapi_extra:
                    document["paths"][route.path_format]["post"] |= route.openapi_extra
        return self.openapi_schema or {}
