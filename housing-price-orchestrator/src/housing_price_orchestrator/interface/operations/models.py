"""The operations under `/api/v1/models`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.dependencies import jobs_of, routing_of
from housing_price_orchestrator.interface.operations.jobs_openapi import answers_of_jobs, submission
from housing_price_orchestrator.interface.operations.orders import (
    accepted,
    idempotency_key_of,
    job_caller_of,
    read_order,
)
from housing_price_orchestrator.shared.jobs import MoveAction
from housing_price_orchestrator.shared.routing import Routing
from housing_price_orchestrator.shared.view.job import JobDocument
from housing_price_orchestrator.shared.view.model import CanaryOrder, MoveOrder, RoutedModels, ShadowOrder
from housing_price_orchestrator.shared.view.routes import ModelVersion

PREFIX = "/api/v1/models"

moves = APIRouter(prefix=PREFIX, tags=["models"], route_class=BytesRoute, dependencies=[require_scope("admin")])
router = APIRouter(prefix=PREFIX, tags=["models"], dependencies=[require_scope("admin")])

_VERSION = TypeAdapter[str](ModelVersion)
_VERSION_PARAMETER = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "The version in the registry.",
    "schema": _VERSION.json_schema(),
}


async def _routing(request: Request) -> Routing:
    return routing_of(request)


type RoutingDep = Annotated[Routing, Depends(_routing)]


@router.get("", summary="Who answers?", operation_id="listModels")
async def list_models(routing: RoutingDep) -> RoutedModels:
    """Tell which versions the process that answers this asks, and what it has seen of each."""
    return RoutedModels.of(routing.state())


def _declare(
    action: MoveAction, summary: str, description: str, order: type[MoveOrder] = MoveOrder, example: Any = None
) -> None:
    """Add the operation of an action, which takes an `order`."""
    described = submission({"application/json": (order, example or {"reason": "why"})}, required=order is CanaryOrder)
    described["parameters"] = [_VERSION_PARAMETER, *described["parameters"]]
    moves.add_api_route(
        f"/{{version}}/{action}",
        _moving(action, order),
        methods=["POST"],
        status_code=202,
        summary=summary,
        description=description,
        operation_id=f"{action}Model",
        response_model=JobDocument,
        responses=answers_of_jobs(408, 413, 415, 422),
        openapi_extra=described,
    )


def _moving(action: MoveAction, kind: type[MoveOrder]) -> Callable[[Request], Awaitable[Response]]:
    async def move(request: Request) -> Response:
        version = _version_of(request)
        key = idempotency_key_of(request)
        order = (await read_order(request, kind)).model_dump(mode="json")
        caller = await job_caller_of(request)
        job = await jobs_of(request).submit_move(
            action, version, order, by=caller.owner, caller=caller, idempotency_key=key
        )
        return accepted(job)

    return move


def _version_of(request: Request) -> str:
    try:
        return _VERSION.validate_python(request.path_params["version"])
    except ValidationError as error:
        findings = error.errors(include_url=False)
        raise RequestValidationError([{**one, "loc": ("path", "version")} for one in findings]) from error


_declare(
    "promote",
    "Make a version the champion",
    "By a blue-green swap: its model server starts beside the old one, answers its golden houses, and takes over. "
    "Where it does not, nothing is changed.",
)
_declare(
    "rollback",
    "Take a version out of service",
    "Of the champion: the one before it comes back by the same swap. Of a canary or a shadow: as `abort`.",
)
_declare(
    "canary",
    "Try a version on some houses",
    "It answers for a share of them, always the same, until it does worse than the champion. Of the canary itself: "
    "changes its share.",
    CanaryOrder,
    {"weight": 0.1, "reason": "passed the gate"},
)
_declare(
    "shadow", "Show a version what is asked", "It answers nobody.", ShadowOrder, {"sample": 1.0, "reason": "first look"}
)
_declare("abort", "End a trial", "A canary or a shadow is a challenger again. Of any other version: nothing happens.")
_declare("archive", "Put a version away", "One that is not in service.")
