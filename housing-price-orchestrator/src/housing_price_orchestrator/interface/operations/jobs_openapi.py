"""OpenAPI descriptions of the operations on jobs."""

from typing import Any, Final

from pydantic import BaseModel

from housing_price_orchestrator.interface.openapi import INVALID, PROBLEM, RETRY_AFTER
from housing_price_orchestrator.interface.operations.orders import IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY
from housing_price_orchestrator.interface.problems import PROBLEM_TYPES
from housing_price_orchestrator.shared import errors

_INVALID_OR_PROBLEM: Final = {"content": {**INVALID["content"], **PROBLEM["content"]}}
_ERRORS_OF_STATUS: Final[dict[int, tuple[type[errors.HousingPriceError], ...]]] = {
    404: (errors.JobsOff, errors.JobNotFound),
    408: (errors.DocumentTooSlow,),
    409: (errors.JobFinished, errors.JobHasNoResult, errors.JobOutputTaken),
    413: (errors.DocumentTooLarge,),
    415: (errors.UnsupportedMediaType,),
    422: (errors.InvalidDocument, errors.IdempotencyKeyReused),
    503: (errors.JobsUnavailable,),
    507: (errors.JobFilesFull,),
}

_IDEMPOTENCY_KEY: Final = {
    "name": IDEMPOTENCY_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "A key of your choice that makes retries safe: repeating a request with the same key returns the same job. "
        "Reusing a key for a different request fails with 422."
    ),
    "schema": IDEMPOTENCY_KEY.json_schema(),
}


def errors_of_jobs(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an operation on jobs: 404, 503 and `statuses`."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in sorted({404, 503, *statuses}):
        titles = "; ".join(PROBLEM_TYPES[kind].title for kind in _ERRORS_OF_STATUS[status])
        content = _INVALID_OR_PROBLEM if status == 422 else PROBLEM  # noqa: PLR2004 - the one in FastAPI's format
        responses[status] = {"description": titles, **content}
    responses[503]["headers"] = RETRY_AFTER
    return responses


def submission(kinds: dict[str, tuple[str | type[BaseModel], Any]], *, required: bool) -> dict[str, Any]:
    """Describe the body of a submission.

    Args:
        kinds: For each media type, a view or the description of a file, and an example or None.
        required: Whether a body is required.
    """
    content = {
        media_type: {"schema": _schema_of(kind)}
        | ({} if example is None else {"examples": {"example": {"value": example}}})
        for media_type, (kind, example) in kinds.items()
    }
    return {
        "parameters": [_IDEMPOTENCY_KEY],
        "requestBody": {"required": required, "content": content},
    }


def _schema_of(kind: str | type[BaseModel]) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"type": "string", "format": "binary", "description": kind}
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def file_response(*media_types: str) -> dict[str, Any]:
    """Describe a response that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    as_json = {"schema": {"type": "object"}}
    content = {one: as_json if one == "application/json" else schema for one in media_types}
    return {"description": "The file", "content": content}
