"""Turns validation errors of pydantic into errors of the API."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument

type Finding = Mapping[str, Any]
"""One validation error: `type`, `loc`, `msg` and perhaps `input` and `ctx`."""


def findings_of(error: ValidationError, *prefix: int | str) -> list[Finding]:
    """Return all findings of a validation error, with locations below `prefix`."""
    return [{**finding, "loc": (*prefix, *finding["loc"])} for finding in error.errors(include_url=False)]


def invalid_body(error: ValidationError) -> InvalidDocument:
    """Make the error for a body that violates its schema."""
    findings = findings_of(error, "body")
    return InvalidDocument(findings[:MAX_FINDINGS], max(0, len(findings) - MAX_FINDINGS))


def invalid_parameter(error: ValidationError, place: Literal["path", "header"], name: str) -> RequestValidationError:
    """Make the error for an invalid parameter, in the form of FastAPI's own."""
    return RequestValidationError(findings_of(error, place, name))


def has_inexact_integer(error: ValidationError) -> bool:
    """Return whether a finding is about a float without a fractional part that is too large to be exact."""
    return any(
        isinstance(finding["input"], float) and finding["input"].is_integer()
        for finding in error.errors(include_url=False, include_context=False)
    )


def json_error_of(error: ValidationError) -> str | None:
    """Return why the text is not JSON; None if it is JSON that violates the schema."""
    first = findings_of(error)[0] if error.error_count() == 1 else None
    return str(first["ctx"]["error"]) if first is not None and first["type"] == "json_invalid" else None
