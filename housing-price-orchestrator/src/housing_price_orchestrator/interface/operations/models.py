"""The operations under `/api/v1/models`."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.documents.body import JSON
from housing_price_orchestrator.interface.findings import invalid_parameter
from housing_price_orchestrator.interface.openapi.bodies import content_of
from housing_price_orchestrator.interface.openapi.problem_examples import invalid_body
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_orders
from housing_price_orchestrator.interface.openapi.views import reference_to
from housing_price_orchestrator.interface.operations.jobs_openapi import submission
from housing_price_orchestrator.interface.operations.orders import (
    accepted_response,
    idempotency_key_of,
    job_caller_of,
    read_order,
)
from housing_price_orchestrator.interface.services import ServicesDep, services_of
from housing_price_orchestrator.shared.drift import DriftState
from housing_price_orchestrator.shared.errors import ModelRefused, TransitionIllegal, VersionUnknown
from housing_price_orchestrator.shared.view.job import JobDocument
from housing_price_orchestrator.shared.view.model import RoutedModels
from housing_price_platform.orders.base import VersionNumber
from housing_price_platform.orders.moves import (
    ORDER_OF_ACTION,
    Action,
    CanaryOrder,
    MoveOrder,
    ServedModel,
    ShadowOrder,
)

PREFIX: Final = "/api/v1/models"

moves = APIRouter(prefix=PREFIX, tags=["models"], route_class=BytesRoute, dependencies=[require_scope("admin")])
router = APIRouter(prefix=PREFIX, tags=["models"], dependencies=[require_scope("admin")])

_PATH_OF_MODEL: Final = {ServedModel.PRICE: "", ServedModel.COMPARABLES: "/comparables"}
_OPERATION_OF_MODEL: Final = {ServedModel.PRICE: "Model", ServedModel.COMPARABLES: "ComparablesModel"}
_EXAMPLE_OF_ORDER: Final[dict[type[MoveOrder], dict[str, Any]]] = {
    MoveOrder: {"reason": "better on the June sales"},
    CanaryOrder: {"weight": 0.1, "reason": "passed the gate"},
    ShadowOrder: {"sample": 1.0, "reason": "first look"},
}
_VERSION: Final = TypeAdapter[str](VersionNumber)
_VERSION_PARAMETER: Final = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "The version in the model registry.",
    "schema": _VERSION.json_schema(),
}


@router.get("", summary="List the model versions in service", operation_id="listModels")
async def list_models(services: ServicesDep) -> RoutedModels:
    """List the versions that this worker process calls, with its statistics for each."""
    return RoutedModels.of(services.routing.state(), services.registry_pages, services.operator_tools)


@router.get("/drift", summary="Get the result of the latest drift check", operation_id="getDrift")
async def get_drift(services: ServicesDep) -> DriftState:
    """Report whether the houses that callers send still resemble the training data.

    The scheduled check (`housing-price-model drift`) decides this. Its report has the details.
    """
    return await services.drift_checks.state()


def _add_operation(
    action: Action,
    summary: str,
    description: str,
    *,
    model: ServedModel = ServedModel.PRICE,
) -> None:
    """Add the operation of an action on the versions of a model; paths without a model mean the price model."""
    order = ORDER_OF_ACTION[action]
    content = content_of(reference_to(order), _EXAMPLE_OF_ORDER[order])
    invalid = invalid_body(order, {**_EXAMPLE_OF_ORDER[order], "reason": 1})
    refused = TransitionIllegal(
        f"Version 1 is archived: `{action}` is not possible from this state. Possible: gate, restored."
    )
    described = submission({JSON: content}, required=order is CanaryOrder)
    described["parameters"] = [_VERSION_PARAMETER, *described["parameters"]]
    moves.add_api_route(
        f"{_PATH_OF_MODEL[model]}/{{version}}/{action}",
        _endpoint(action, order, model),
        methods=["POST"],
        status_code=202,
        summary=summary,
        description=description,
        operation_id=f"{action}{_OPERATION_OF_MODEL[model]}",
        response_model=JobDocument,
        responses=errors_of_orders(invalid, VersionUnknown, refused, ModelRefused),
        openapi_extra=described,
    )


def _endpoint(action: Action, kind: type[MoveOrder], model: ServedModel) -> Callable[[Request], Awaitable[Response]]:
    async def submit_move(request: Request) -> Response:
        version = _version_of(request)
        key = idempotency_key_of(request)
        order = (await read_order(request, kind)).model_dump(mode="json")
        caller = await job_caller_of(request)
        job = await services_of(request).enabled_jobs.submit_move(
            action, version, order, model=model, by=caller.owner, caller=caller, idempotency_key=key
        )
        return accepted_response(request, job)

    return submit_move


def _version_of(request: Request) -> str:
    try:
        return _VERSION.validate_python(request.path_params["version"])
    except ValidationError as error:
        raise invalid_parameter(error, "path", "version") from error


_add_operation(
    Action.PROMOTE,
    "Promote a version to champion",
    "Start a job that promotes the version by a blue-green swap: its model server starts beside the current one, "
    "must reproduce the reference answers, and then takes over. If any step fails, the current champion stays.",
)
_add_operation(
    Action.ROLLBACK,
    "Roll a version back",
    "Start a job that takes the version out of service. For the champion, the previous champion returns by a "
    "blue-green swap. For a canary or a shadow, this is the same as `abort`.",
)
_add_operation(
    Action.CANARY,
    "Start a canary or change its weight",
    "Start a job that lets the version price a share of the houses. The same house always gets the same version. "
    "The canary is aborted automatically if it performs worse than the champion.",
)
_add_operation(
    Action.SHADOW,
    "Start a shadow",
    "Start a job that sends a sample of the houses to the version as well. Its prices are compared with the "
    "champion's and never returned to callers.",
)
_add_operation(
    Action.ABORT,
    "Abort a canary or shadow",
    "Start a job that makes a canary or a shadow a challenger again. It changes nothing for any other version.",
)
_add_operation(Action.ARCHIVE, "Archive a version", "Start a job that archives a version that is not in service.")
_add_operation(
    Action.PROMOTE,
    "Promote a version of the comparables model to champion",
    "Start a job that promotes the version of the comparables model by a blue-green swap, as for the price model.",
    model=ServedModel.COMPARABLES,
)
_add_operation(
    Action.ROLLBACK,
    "Roll a version of the comparables model back",
    "Start a job that restores the previous champion of the comparables model by a blue-green swap.",
    model=ServedModel.COMPARABLES,
)
