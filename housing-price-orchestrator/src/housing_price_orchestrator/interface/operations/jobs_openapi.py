"""What the operations on jobs look like in OpenAPI."""

from typing import Any

from pydantic import BaseModel

from housing_price_orchestrator.interface.openapi import INVALID, PROBLEM, RETRY_AFTER
from housing_price_orchestrator.interface.problems import ANSWER_OF_ERROR
from housing_price_orchestrator.shared import errors

_INVALID_OR_PROBLEM = {"content": {**INVALID["content"], **PROBLEM["content"]}}
_OF_STATUS: dict[int, tuple[type[errors.HousingPriceError], ...]] = {
    404: (errors.JobsOff, errors.JobNotFound),
    408: (errors.DocumentTooSlow,),
    409: (errors.JobFinished, errors.JobHasNoResult),
    413: (errors.DocumentTooLarge,),
    415: (errors.UnsupportedMediaType,),
    422: (errors.InvalidDocument, errors.IdempotencyKeyReused),
    503: (errors.JobsUnavailable,),
    507: (errors.JobFilesFull,),
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Chosen by the caller: the same key with the same request is the same job, however often it is sent; with "
        "another request it is refused with 422."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}


def answers_of_jobs(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe what may go wrong: these statuses, and that there are no jobs here, or none can be reached."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in sorted({404, 503, *statuses}):
        said = "; ".join(ANSWER_OF_ERROR[kind].title for kind in _OF_STATUS[status])
        content = _INVALID_OR_PROBLEM if status == 422 else PROBLEM  # noqa: PLR2004 - the one that is FastAPI's own
        responses[status] = {"description": said, **content}
    responses[503]["headers"] = RETRY_AFTER
    return responses


def submission(kinds: dict[str, tuple[str | type[BaseModel], Any]], *, required: bool) -> dict[str, Any]:
    """Describe what is sent: for each media type a view, or words about a file; and an example, or None."""
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


def file_answer(*media_types: str) -> dict[str, Any]:
    """Describe an answer that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    as_json = {"schema": {"type": "object"}}
    content = {one: as_json if one == "application/json" else schema for one in media_types}
    return {"description": "What was asked for", "content": content}
