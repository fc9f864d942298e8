"""The id that a request is known by, in its answer, in the log and in what it causes elsewhere."""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from housing_price_orchestrator.shared.ids import unique_ids

REQUEST_ID_HEADER = b"x-request-id"

ANSWER_HEADERS = "answer_headers"
"""What stands under this name in a request's state are further headers of its answer, whatever that will be."""

_new_id = unique_ids()
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def new_request_id() -> str:
    """Make an id for a request that has none."""
    return _new_id()


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Keep the caller's id where it is 1 to 64 letters, digits, dots, dashes or underscores; else make a new one."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER and _ACCEPTABLE.fullmatch(value):
            return value.decode("ascii")
    return _new_id()


def request_id_of(scope: MutableMapping[str, Any]) -> str:
    """Read the id that the middleware chose for this request."""
    request_id: str = scope["state"]["request_id"]
    return request_id
