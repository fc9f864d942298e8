"""Examples of error responses, made by the code that answers real errors."""

from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from housing_price_orchestrator.interface.documents.strict_json import read_view
from housing_price_orchestrator.interface.findings import findings_of
from housing_price_orchestrator.interface.listed_findings import listed_findings
from housing_price_orchestrator.interface.problems import (
    PROBLEM_MEDIA_TYPE,
    ProblemType,
    extension_members,
    problem_document,
    problem_type_of,
)
from housing_price_orchestrator.shared import errors

type Kind = type[errors.HousingPriceError]

EXAMPLES_REF: Final = "#/components/examples/{name}"

_REQUEST_ID: Final = "01a2c6d5b8c47c3e9f0d2b6a5e4f3c21"
_JOB_ID: Final = "6f1c0e5a9d2b4c7f8e3a1b0c9d8e7f60"
_KILOBYTE: Final = 1024

_ERRORS: Final[dict[Kind, errors.HousingPriceError]] = {
    type(error): error
    for error in (
        errors.DocumentTooLarge(64 * _KILOBYTE),
        errors.HeadTooLarge(64 * _KILOBYTE),
        errors.UnsupportedMediaType("application/json"),
        errors.RangeNotSatisfiable(2_000),
        errors.ScopeMissing("", "predict"),
        errors.RateLimitExceeded({}),
        errors.QueueFull("", 2),
        errors.JobFinished(_JOB_ID, "succeeded"),
        errors.JobHasNoResult(_JOB_ID, "running"),
        errors.JobOutputTaken("s3://houses/june-prices.parquet"),
        errors.VersionUnknown("There is no version 9."),
        errors.TransitionIllegal("Version 3 is already the champion."),
        errors.ModelRefused("Version 1 was registered without a digest, so its files cannot be verified."),
        errors.CircuitOpen("", 5),
        errors.PriceImplausible("", ()),
        errors.ComparablesImplausible("", ()),
    )
}
"""The errors whose classes need arguments."""


def invalid_body(view: type[BaseModel], document: Any) -> errors.InvalidDocument:
    """Return the error that the service raises for an invalid JSON body.

    Raises:
        ValueError: The document is valid.
    """
    try:
        read_view(view, orjson.dumps(document))
    except errors.InvalidDocument as error:
        return error
    message = f"an example of an invalid {view.__name__} is valid"
    raise ValueError(message)


def invalid_parameter(
    expected: Any, place: Literal["path", "query", "header"], name: str, value: str
) -> errors.InvalidDocument:
    """Return the error for an invalid parameter; `expected` is its type, or a `TypeAdapter` of that.

    Raises:
        ValueError: The value is valid.
    """
    adapter = expected if isinstance(expected, TypeAdapter) else TypeAdapter(expected)
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return errors.InvalidDocument(findings_of(error, place, name))
    message = f"an example of an invalid {name} is valid"
    raise ValueError(message)


def example_error(kind: Kind) -> errors.HousingPriceError:
    """Return an error of a kind, with plausible values."""
    return _ERRORS.get(kind) or kind()


def example_content(error: errors.HousingPriceError) -> dict[str, Any]:
    """Return the content of the response to an error, by media type, without its schema."""
    problem = problem_type_of(error)
    if isinstance(error, errors.InvalidDocument):
        detail = listed_findings(error.findings, error.omitted)
        return {"application/json": _named(problem, {"detail": detail})}
    return problem_content(problem, **extension_members(error))


def problem_content(problem: ProblemType, **members: Any) -> dict[str, Any]:
    """Return the content of a response with a problem document, without its schema."""
    return {PROBLEM_MEDIA_TYPE: _named(problem, problem_document(problem, _REQUEST_ID, **members))}


def _named(problem: ProblemType, value: Any) -> dict[str, Any]:
    return {"examples": {problem.name: {"summary": problem.title, "value": value}}}
