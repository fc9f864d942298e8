"""Liveness, readiness and a description of the service."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from housing_price_orchestrator import __version__
from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of
from housing_price_orchestrator.interface.error_responses import problem_response
from housing_price_orchestrator.interface.openapi.problem_responses import response_to
from housing_price_orchestrator.interface.operations.docs import DOCS_PATH, REFERENCE_PATH
from housing_price_orchestrator.interface.problems import NOT_READY, problem_type_of
from housing_price_orchestrator.interface.services import ServicesDep
from housing_price_orchestrator.service.readiness import AnyProbe
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import ModelIdentity, ModelKind
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.price import ModelName

router = APIRouter(tags=["service"])

REASONS: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        errors.ModelServerUnavailable: "The {model} server is unreachable.",
        errors.ModelServerBusy: "The {model} server is overloaded.",
        errors.CircuitOpen: "Recent calls to the {model} server failed or were too slow.",
        errors.DeadlineExceeded: "The {model} server did not answer in time.",
        errors.ModelServerFailed: "The {model} server answered with an unexpected status.",
        errors.RowsRefused: "The {model} server rejected the example house.",
        errors.AnswerMalformed: "The {model} server sent a malformed response.",
        errors.AnswerIncomplete: "The {model} server did not answer for the example house.",
        errors.ComparablesImplausible: "The {model} server returned implausible sales.",
    }
)
"""Why a model does not answer its probes, by the error of the latest one."""

_UNEXPECTED: Final = "The check of the {model} server failed unexpectedly; the log of this service has the error."


class Alive(View):
    """The process is running."""

    status: str = "alive"
    """Always `alive`."""


class OptionalModel(View):
    """A model that readiness does not require."""

    name: ModelKind
    """The purpose of the model: `comparables` finds comparable sales for valuations."""
    is_answering: bool
    """Whether the model answers."""
    model: ModelName | None
    """The model that answered last; null before its first answer."""
    reason: str | None
    """Why the model does not answer; null if it does."""


class Ready(View):
    """The service can price houses."""

    status: str = "ready"
    """Always `ready`."""
    model: ModelName
    """The model that priced the latest houses."""
    optional: list[OptionalModel]
    """The models that are configured and not required, whether or not they answer."""


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
    responses=response_to(NOT_READY, missing=["The model server has not answered a prediction yet."]),
)
@router.head("/readyz", include_in_schema=False)
async def readyz(request: Request, services: ServicesDep) -> Any:
    """Report whether the price model answered recently enough, and the reasons if it did not.

    Optional models that do not answer are named, and do not change the status.
    """
    readiness = services.readiness
    required = readiness.required
    if readiness.is_ready and required.identity is not None:
        return Ready(model=_name_of(required.identity), optional=list(map(_optional_model, readiness.optional)))
    missing = "This process is shutting down." if readiness.is_stopping else _reason_of(required)
    return problem_response(request, NOT_READY, missing=[missing])


def _optional_model(probe: AnyProbe) -> OptionalModel:
    is_answering = probe.is_answering
    return OptionalModel.model_validate(
        {
            "name": probe.kind,
            "isAnswering": is_answering,
            "model": None if probe.identity is None else _name_of(probe.identity),
            "reason": None if is_answering else _reason_of_optional(probe),
        }
    )


def _name_of(model: ModelIdentity) -> ModelName:
    return ModelName(name=model.name, version=model.version, id=model.id)


def _reason_of(probe: AnyProbe) -> str:
    """Return why a model does not answer its probes."""
    if probe.error is not None:
        reason = problem_type_of(probe.error)
        return f"{reason.title}: {reason.detail}"
    if probe.identity is not None:
        return "The model server's last answer is too old."
    return "The model server has not answered a prediction yet."


def _reason_of_optional(probe: AnyProbe) -> str:
    """Return why an optional model does not answer. Callers send no request to it, so that no advice is given."""
    if probe.error is not None:
        return REASONS.get(type(probe.error), _UNEXPECTED).format(model=probe.kind)
    if probe.identity is not None:
        return f"The last answer of the {probe.kind} server is too old."
    return f"The {probe.kind} server has not answered yet."


@router.get("/", summary="About this service", operation_id="about", response_model=About)
@router.head("/", include_in_schema=False)
async def about(request: Request, response: Response) -> About:
    """Return the name and version of the service and links to its documentation and operations.

    A browser (`Accept: text/html`) gets the page for people instead, unless the page is turned off.
    """
    response.headers["vary"] = "Accept"
    pages = {"docs": DOCS_PATH, "reference": REFERENCE_PATH, "openapi": request.app.openapi_url}
    paths = {
        **(pages if request.app.openapi_url else {}),
        "predict": request.app.url_path_for("predict"),
        "predictBatch": request.app.url_path_for("predict_batch"),
        "predictStream": request.app.url_path_for("predict_stream"),
        "vocabulary": request.app.url_path_for("vocabulary"),
        "live": request.app.url_path_for("livez"),
        "ready": request.app.url_path_for("readyz"),
    }
    prefix = path_prefix_of(request)
    links = {name: f"{prefix}{path}" for name, path in paths.items()}
    return About(name="housing-price-orchestrator", version=__version__, links=links)
