"""OpenAPI descriptions of the operations on jobs."""

from typing import Any, Final

from pydantic import BaseModel

from housing_price_orchestrator.interface.common_errors import RETRY_AFTER
from housing_price_orchestrator.interface.openapi import INVALID, PROBLEM
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
    416: (errors.RangeNotSatisfiable,),
    422: (errors.InvalidDocument, errors.IdempotencyKeyReused),
    503: (errors.JobsUnavailable,),
    507: (errors.JobFilesFull,),
}

_FILE_HEADERS: Final = {
    "Content-Disposition": {"description": "The name of the file.", "schema": {"type": "string"}},
    "ETag": {"description": "Identifies the content, for `If-Range`.", "schema": {"type": "string"}},
}
_PART_HEADERS: Final = _FILE_HEADERS | {
    "Content-Range": {"description": "Position of the part and size of the file.", "schema": {"type": "string"}},
}
_MOVE_CONFLICTS: Final = (errors.TransitionIllegal, errors.ModelRefused)

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
    if 416 in responses:  # noqa: PLR2004 - names the size of the file
        responses[416]["headers"] = {"Content-Range": _PART_HEADERS["Content-Range"]}
    return responses


def errors_of_moves() -> dict[int | str, dict[str, Any]]:
    """Describe the errors of an operation that orders a move of a model version."""
    responses = errors_of_jobs(408, 413, 415, 422)
    for status, kinds in {404: (errors.JobsOff, errors.VersionUnknown), 409: _MOVE_CONFLICTS}.items():
        responses[status] = {"description": "; ".join(PROBLEM_TYPES[kind].title for kind in kinds), **PROBLEM}
    return dict(sorted(responses.items(), key=lambda item: int(item[0])))


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


def file_responses(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Describe the responses that are a file, or parts of one."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    as_json = {"schema": {"type": "object"}}
    content = {one: as_json if one == "application/json" else schema for one in media_types}
    whole = {"description": "The file", "content": content, "headers": _FILE_HEADERS}
    parts = {one: schema for one in media_types if one != "application/json"} | {"multipart/byteranges": schema}
    part = {"description": "The parts of the file that `Range` names", "content": parts, "headers": _PART_HEADERS}
    return {200: whole, 206: part}
