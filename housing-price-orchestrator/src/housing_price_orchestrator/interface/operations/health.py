"""Liveness, readiness and a description of the service."""

from typing import Any

from fastapi import APIRouter, Request

from housing_price_orchestrator import __version__
from housing_price_orchestrator.interface.common_errors import RETRY_AFTER
from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of
from housing_price_orchestrator.interface.openapi import PROBLEM
from housing_price_orchestrator.interface.operations.docs import DOCS_PATH, REFERENCE_PATH
from housing_price_orchestrator.interface.problems import ProblemType, problem_response, problem_type_of
from housing_price_orchestrator.interface.services import ServicesDep
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.price import ModelName

router = APIRouter(tags=["service"])


class Alive(View):
    """The process is running."""

    status: str = "alive"
    """Always `alive`."""


class Ready(View):
    """The service can price houses."""

    status: str = "ready"
    """Always `ready`."""
    model: ModelName
    """The model that priced the latest houses."""


class About(View):
    """The name and version of the service, with links."""

    name: str
    """The service's name."""
    version: str
    """The service's version."""
    links: dict[str, str]
    """Paths of the documentation and the operations, by name."""


@router.get("/livez", summary="Liveness check", operation_id="livez")
@router.head("/livez", include_in_schema=False)
async def livez() -> Alive:
    """Report that the process is running. Does not check the model server."""
    return Alive()


@router.get(
    "/readyz",
    summary="Readiness check",
    operation_id="readyz",
    response_model=Ready,
    responses={503: {"description": "Not ready; `missing` lists the reasons", "headers": RETRY_AFTER, **PROBLEM}},
)
@router.head("/readyz", include_in_schema=False)
async def readyz(request: Request, services: ServicesDep) -> Any:
    """Report whether the model server answered a prediction recently enough, and the reasons if it did not."""
    readiness = services.readiness
    identity = readiness.identity
    if readiness.is_ready and identity is not None:
        return Ready(model=ModelName(name=identity.name, version=identity.version, id=identity.id))
    missing = "The model server has not answered a prediction yet."
    if readiness.is_stopping:
        missing = "This process is shutting down."
    elif readiness.error is not None:
        reason = problem_type_of(readiness.error)
        missing = f"{reason.title}: {reason.detail}"
    elif identity is not None:
        missing = "The model server's last answer is too old."
    problem = ProblemType(503, "not-ready", "Not ready", "Houses cannot be priced right now.", retry_after_seconds=1)
    return problem_response(request, problem, missing=[missing])


@router.get("/", summary="About this service", operation_id="about", response_model=About)
async def about(request: Request) -> About:
    """Return the name and version of the service and links to its documentation and operations."""
    pages = {"docs": DOCS_PATH, "reference": REFERENCE_PATH, "openapi": request.app.openapi_url}
    paths = {
        **(pages if request.app.openapi_url else {}),
        "predict": request.app.url_path_for("predict"),
        "predictBatch": request.app.url_path_for("predict_batch"),
        "predictStream": request.app.url_path_for("predict_stream"),
        "live": request.app.url_path_for("livez"),
        "ready": request.app.url_path_for("readyz"),
    }
    prefix = path_prefix_of(request)
    links = {name: f"{prefix}{path}" for name, path in paths.items()}
    return About(name="housing-price-orchestrator", version=__version__, links=links)
