"""Invalid houses and parameters, as examples of requests that are refused."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from housing_price_orchestrator.interface.openapi.problem_examples import invalid_body, invalid_parameter
from housing_price_orchestrator.interface.timeout import MILLISECONDS, TIMEOUT_HEADER
from housing_price_orchestrator.shared.errors import InvalidDocument
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.house import House

_MISTAKES: Final[Mapping[str, Any]] = {"overallQual": 11, "fullBath": "2"}
"""A grade that does not exist, and a number in quotes."""

INVALID_TIMEOUT: Final = invalid_parameter(MILLISECONDS, "header", TIMEOUT_HEADER, "soon")
INVALID_HOUSE: Final = invalid_body(House, {**EXAMPLE_DOCUMENT, **_MISTAKES})


def invalid_batch(view: type[BaseModel]) -> InvalidDocument:
    """Return the error for a batch with one house that is invalid."""
    return invalid_body(view, {"data": [{**EXAMPLE_DOCUMENT, **_MISTAKES}]})


def invalid_facts(view: type[BaseModel], facts: Mapping[str, Any]) -> InvalidDocument:
    """Return the error for a few facts about a house that are invalid."""
    return invalid_body(view, {**facts, **_MISTAKES})
