"""Operations of an OpenAPI document for Schemathesis, and corrections of its requests by rules beyond JSON Schema."""

import re
from typing import Any, Final

import schemathesis
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Err, Result

type Operation = schemathesis.APIOperation[Any, Any, Any, Any]
type Case = schemathesis.Case[Operation]

AMPLE_TIMEOUT_MS: Final = "60000"
"""Replaces valid timeouts of invalid requests: a timeout of 1 ms leads to 504."""


def operation_of(result: Result[Operation, InvalidSchema]) -> Operation:
    """Return an operation of the document; an invalid one raises its error."""
    if isinstance(result, Err):
        raise result.err()
    return result.ok()


def can_generate(operation: Operation) -> bool:
    """Return whether Schemathesis can generate bodies of the operation; it cannot write NDJSON and Parquet."""
    bodies = {body.media_type for body in operation.body}
    return not bodies or not bodies <= {"application/x-ndjson", "application/vnd.apache.parquet"}


def make_valid(case: Case) -> None:
    """Change a schema-valid request so that the service accepts it."""
    # A deadline of 1 ms is valid and leads to 504; drop it so that timing does not affect tests.
    case.headers = type(case.headers)(
        {name: value for name, value in case.headers.items() if "timeout" not in name.lower()}
    )
    if case.operation.label.endswith("/jobs/training") and isinstance(case.body, dict):
        # The schema cannot express the order of dates or which fields belong to which source.
        case.body = {key: value for key, value in case.body.items() if key in {"seed", "search"}}
    # Only cursors that the service issued are valid, and the schema cannot express the order of dates.
    case.query = {name: value for name, value in (case.query or {}).items() if name not in {"cursor", "to"}}


def keep_invalid(case: Case) -> bool:
    """Remove the effect of timing from a request with an invalid part, and return whether it is invalid as sent."""
    for name, value in case.headers.items():
        if "timeout" in name.lower() and re.fullmatch("[1-9][0-9]{0,3}", str(value)):
            case.headers[name] = AMPLE_TIMEOUT_MS
    # In a query, a list with one empty text is sent as the empty list, which is valid.
    return (case.query or {}).get("include") != ""
