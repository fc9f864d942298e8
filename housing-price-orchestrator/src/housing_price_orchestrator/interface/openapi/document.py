"""Completes the OpenAPI document that FastAPI makes."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from housing_price_orchestrator.interface.openapi import headers
from housing_price_orchestrator.interface.openapi.access import describe_access
from housing_price_orchestrator.interface.openapi.answer_labels import label_answers
from housing_price_orchestrator.interface.openapi.code_samples import add_code_samples
from housing_price_orchestrator.interface.openapi.problem_responses import add_shared_examples, declare_common_errors
from housing_price_orchestrator.interface.openapi.titles import make_titles_readable
from housing_price_orchestrator.interface.openapi.views import SCHEMA_REF, InvalidRequest, Problem, RefusedLine
from housing_price_orchestrator.shared.view.actual import ActualPrices
from housing_price_orchestrator.shared.view.estimate import HouseFacts
from housing_price_orchestrator.shared.view.fields import label_schemas
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.job import ScoringOrder
from housing_price_orchestrator.shared.view.job_report import REPORTS
from housing_price_orchestrator.shared.view.valuation import ValuationBatch
from housing_price_platform.orders.moves import CanaryOrder, MoveOrder, ShadowOrder
from housing_price_platform.orders.training import TrainingOrder

_REQUEST_VIEWS: Final[tuple[type[BaseModel], ...]] = (
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
_ANSWER_VIEWS: Final[tuple[type[BaseModel], ...]] = (Problem, InvalidRequest, RefusedLine, *REPORTS)


def complete(document: dict[str, Any], routes: Iterable[BaseRoute], *, is_open: bool) -> None:
    """Add to FastAPI's document the views, errors and headers that FastAPI cannot see.

    Args:
        document: FastAPI's document.
        routes: The routes of the application.
        is_open: Whether the service accepts requests without a key.
    """
    _add_views(document)
    make_titles_readable(document)
    describe_access(document, is_open=is_open)
    declare_common_errors(document)
    add_shared_examples(document)
    _add_headers(document)
    _restore_nulls(document, routes)
    add_code_samples(operations_of(document), with_key=not is_open)


def _add_views(document: dict[str, Any]) -> None:
    views = [(view, "validation") for view in (*_REQUEST_VIEWS, *_ANSWER_VIEWS)]
    _, definitions = models_json_schema(views, ref_template=SCHEMA_REF)  # type: ignore[arg-type]  # mypy widens "validation" to str
    schemas = document["components"]["schemas"] | definitions["$defs"]
    label_schemas(schemas, views=(House.__name__, HouseFacts.__name__))
    label_answers(schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _add_headers(document: dict[str, Any]) -> None:
    document["components"]["headers"] = dict(headers.COMPONENTS)
    for operation in operations_of(document):
        if accepted := operation["responses"].get("202"):
            accepted["headers"] = headers.LOCATION
        for response in operation["responses"].values():
            response["headers"] = {**response.get("headers", {}), **headers.EVERY_RESPONSE}


def _restore_nulls(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Put the descriptions of bodies back: FastAPI drops every null, including the meaningful ones in the examples."""
    for route in routes:
        if isinstance(route, APIRoute) and route.openapi_extra:
            document["paths"][route.path_format]["post"] |= route.openapi_extra


def operations_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the operations of a document."""
    return (operation for path in document["paths"].values() for operation in path.values())
