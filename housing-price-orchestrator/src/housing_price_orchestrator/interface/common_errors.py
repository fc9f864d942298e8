"""The errors that operations have in common, added to the OpenAPI document: those of connection, origin and access."""

from collections.abc import Iterable
from typing import Any, Final

from housing_price_orchestrator.interface.middleware import MONITORING_PATHS
from housing_price_orchestrator.interface.problems import INTERNAL_ERROR, PROBLEM_MEDIA_TYPE, PROBLEM_TYPES, ProblemType
from housing_price_orchestrator.shared import errors

PROBLEM_CONTENT: Final[dict[str, Any]] = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds to wait before retrying.", "schema": {"type": "integer"}}}
CHALLENGE: Final = {
    "WWW-Authenticate": {"description": "The authentication scheme (RFC 6750).", "schema": {"type": "string"}}
}
RATE_LIMITS: Final = {
    "RateLimit-Policy": {
        "description": "The limits: `q` requests per window of `w` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "The remaining requests (`r`) and the seconds until the limit resets (`t`).",
        "schema": {"type": "string"},
    },
}
_HEADERS_OF_STATUS: Final = {
    401: CHALLENGE,
    403: CHALLENGE,
    429: RETRY_AFTER | RATE_LIMITS,
    503: RETRY_AFTER,
}

type _Kinds = tuple[type[errors.HousingPriceError], ...]

_OF_CONNECTIONS: Final[_Kinds] = (
    errors.RequestMalformed,
    errors.HeadTooSlow,
    errors.HeadTooLarge,
    errors.TooManyConnections,
)
_OF_ACCESS: Final[_Kinds] = (
    errors.CredentialsMissing,
    errors.CredentialsInvalid,
    errors.ScopeMissing,
    errors.RateLimitExceeded,
    errors.IdentityProviderUnavailable,
)


def declare_common_errors(document: dict[str, Any]) -> None:
    """Add the errors that any operation, any operation that changes state, and any guarded operation can return."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            kinds = list(_OF_CONNECTIONS)
            if path not in MONITORING_PATHS:
                kinds.append(errors.HostNotServed)
            if method != "get":
                kinds.append(errors.OriginRefused)
            if "security" in operation:
                kinds += _OF_ACCESS
            _add(operation["responses"], (INTERNAL_ERROR, *(PROBLEM_TYPES[kind] for kind in kinds)))


def _add(responses: dict[str, dict[str, Any]], problems: Iterable[ProblemType]) -> None:
    """Add each problem to the response of its status; what an operation says itself stays."""
    for problem in problems:
        response = responses.setdefault(str(problem.status), {"description": problem.title})
        if problem.title not in response["description"].split("; "):
            response["description"] += f"; {problem.title}"
        response["content"] = response.get("content", {}) | PROBLEM_CONTENT
        if headers := _HEADERS_OF_STATUS.get(problem.status):
            response["headers"] = response.get("headers", {}) | headers
