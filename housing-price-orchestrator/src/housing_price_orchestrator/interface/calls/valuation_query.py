"""The query of the valuation operations: which parts a valuation includes. An estimate has no query."""

from typing import Annotated, Any, Final, get_args

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from housing_price_orchestrator.interface.findings import findings_of
from housing_price_orchestrator.interface.openapi.views import SCHEMA_REF
from housing_price_orchestrator.shared.view.valuation import ValuationPart

ALL_PARTS: Final[tuple[ValuationPart, ...]] = get_args(ValuationPart.__value__)


def _split_at_commas(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"send one list, separated by commas, of: {', '.join(ALL_PARTS)}")  # noqa: TRY004 - pydantic reports a ValueError
    return tuple(value.split(",")) if value else ()


def _check_distinct(parts: tuple[ValuationPart, ...]) -> tuple[ValuationPart, ...]:
    if len(set(parts)) < len(parts):
        raise ValueError("name each part once")
    return parts


class _NoQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _ValuationQuery(_NoQuery):
    include: Annotated[
        tuple[ValuationPart, ...], BeforeValidator(_split_at_commas), AfterValidator(_check_distinct)
    ] = ALL_PARTS


INCLUDE_PARAMETER: Final[dict[str, Any]] = {
    "name": "include",
    "in": "query",
    "required": False,
    "description": (
        "The parts to include, separated by commas. `comparables` adds the comparable sales, `explanation` the "
        "differences by group of features. An empty value includes neither; the value itself is always computed."
    ),
    "style": "form",
    "explode": False,
    "schema": {
        "type": "array",
        "items": {"$ref": SCHEMA_REF.format(model=ValuationPart.__name__)},
        "uniqueItems": True,
        "default": list(ALL_PARTS),
    },
    "example": list(ALL_PARTS),
}
"""The parameter in OpenAPI."""


def included_parts_of(request: Request) -> tuple[ValuationPart, ...]:
    """Return the parts that the query includes; all by default.

    Raises:
        RequestValidationError: The query names an unknown part or parameter, or one of them twice.
    """
    if not request.scope["query_string"]:
        return ALL_PARTS
    return _read_query(request, _ValuationQuery).include


def check_no_query(request: Request) -> None:
    """Check that the request has no query, so that no caller relies on a parameter that has no effect.

    Raises:
        RequestValidationError: The query names a parameter.
    """
    if request.scope["query_string"]:
        _read_query(request, _NoQuery)


def _read_query[Query: BaseModel](request: Request, kind: type[Query]) -> Query:
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        values[name] = value if name not in values else [values[name], value]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(findings_of(error, "query")) from error
