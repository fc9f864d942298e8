"""The request id, used in the response, the log and calls to other services."""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

from housing_price_orchestrator.shared.ids import unique_ids

REQUEST_ID_HEADER: Final = b"x-request-id"

REQUEST_ID_PATTERN: Final = "[A-Za-z0-9._-]{1,64}"
"""Valid request ids."""

RESPONSE_HEADERS: Final = "response_headers"
"""Key in the state of a request: extra headers of its response, whether it succeeds or fails."""

_new_id = unique_ids()
_VALID_ID: Final = re.compile(REQUEST_ID_PATTERN.encode())


def new_request_id() -> str:
    """Make a new request id."""
    return _new_id()


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the caller's id if it has 1 to 64 letters, digits, dots, dashes or underscores; else make a new one."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER and _VALID_ID.fullmatch(value):
            return value.decode("ascii")
    return _new_id()


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the id that the middleware assigned to the request."""
    request_id: str = scope["state"]["request_id"]
    return request_id
