"""OpenAPI descriptions of the operations that submit jobs."""

from collections.abc import Mapping
from typing import Any, Final

from housing_price_orchestrator.interface.openapi.bodies import request_body
from housing_price_orchestrator.interface.operations.orders import IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY

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


def submission(content: Mapping[str, dict[str, Any]], *, required: bool) -> dict[str, Any]:
    """Describe a submission: its body, with the content of each media type, and its idempotency key."""
    return {"parameters": [_IDEMPOTENCY_KEY], "requestBody": request_body(content, required=required)}
