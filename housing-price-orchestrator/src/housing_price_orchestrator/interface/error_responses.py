"""The HTTP response to each error, its headers, and its record in the log line and the metrics.

All responses but 422 are `application/problem+json` (RFC 9457).
"""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from housing_price_orchestrator.interface.listed_findings import listed_findings
from housing_price_orchestrator.interface.problems import (
    PROBLEM_MEDIA_TYPE,
    ProblemType,
    extension_members,
    problem_document,
    problem_type_of,
)
from housing_price_orchestrator.interface.request_id import request_id_of
from housing_price_orchestrator.interface.services import record_of, services_of
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.quota import Quota

_NO_SNIFFING: Final = {"x-content-type-options": "nosniff"}
_CHALLENGE: Final = 'Bearer realm="housing-price"'


def problem_response(request: Request, problem: ProblemType, **members: Any) -> Response:
    """Make the response with a problem document (RFC 9457); `members` are its extension members."""
    document = problem_document(problem, request_id_of(request.scope), **members)
    headers = dict(_NO_SNIFFING)
    if problem.retry_after_seconds is not None:
        headers["retry-after"] = str(problem.retry_after_seconds)
    if problem.status == HTTPStatus.REQUEST_TIMEOUT:
        # The rest of the request never arrived, so the connection cannot be reused.
        headers["connection"] = "close"
    return Response(json.dumps(document), problem.status, headers, PROBLEM_MEDIA_TYPE)


def expected_error_response(request: Request, error: Exception) -> Response | None:
    """Make the response to an expected error; return None for any other exception, which is a defect."""
    match error:
        case errors.HousingPriceError():
            return error_response(request, error)
        case RequestValidationError():
            # FastAPI's own validation of path, query and header parameters.
            return validation_response(error.errors())
        case HTTPException():
            return http_exception_response(request, error)
    return None


def error_response(request: Request, error: errors.HousingPriceError) -> Response:
    """Make the response to one of our errors; the message of the exception goes to the log only."""
    request.state.error = f"{type(error).__name__}: {error}"
    record_error(error, record_of(request), services_of(request).request_metrics)
    if isinstance(error, errors.InvalidDocument):
        return validation_response(error.findings, error.omitted)
    response = problem_response(request, problem_type_of(error), **extension_members(error))
    response.headers.update(headers_of(error))
    return response


def retry_after_seconds(quotas: Mapping[str, Quota]) -> int:
    """Compute after how many whole seconds the next request will be granted."""
    return max(math.ceil(quota.reset_seconds) or 1 for quota in quotas.values() if not quota.is_granted)


def rate_limit_headers(quotas: Mapping[str, Quota]) -> dict[str, str]:
    """Make the headers with the limits and, where known, the remaining requests.

    Source: draft-ietf-httpapi-ratelimit-headers-11.
    """
    remaining = [
        f'"{name}";r={quota.remaining};t={math.ceil(quota.reset_seconds)}'
        for name, quota in quotas.items()
        if quota.remaining is not None
    ]
    policies = [f'"{name}";q={quota.rate.requests};w={quota.rate.seconds}' for name, quota in quotas.items()]
    headers = {"ratelimit-policy": ", ".join(policies)}
    if remaining:
        headers["ratelimit"] = ", ".join(remaining)
    return headers


def headers_of(error: Exception) -> dict[str, str]:
    """Make the headers that depend on the error itself: `WWW-Authenticate` (RFC 6750, section 3) and rate limits."""
    match error:
        case errors.CredentialsMissing():
            return {"www-authenticate": _CHALLENGE}
        case errors.CredentialsInvalid():
            return {"www-authenticate": f'{_CHALLENGE}, error="invalid_token"'}
        case errors.ScopeMissing():
            return {"www-authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{error.scope}"'}
        case errors.RangeNotSatisfiable():
            return {"content-range": f"bytes */{error.size_bytes}"}
        case errors.RateLimitExceeded():
            return {"retry-after": str(retry_after_seconds(error.quotas)), **rate_limit_headers(error.quotas)}
    return {}


def record_error(error: Exception, record: RequestRecord, metrics: RequestMetrics | None) -> None:
    """Record that a request, or one line of a stream, failed, and count the features that were invalid."""
    record.refusal = problem_type_of(error).name
    if metrics is not None:
        findings = error.findings if isinstance(error, errors.InvalidDocument) else ()
        metrics.count_error(record.refusal, (_feature(finding["loc"]) for finding in findings))


def _feature(loc: Sequence[object]) -> object:
    """Return the key of the invalid feature: the first key below `body`, or below the house's index in a batch."""
    return next((part for part in loc[1:] if isinstance(part, str) and part != "data"), None)


def http_exception_response(request: Request, error: HTTPException) -> Response:
    """Make the response to an error of the framework: unknown path (404) or wrong method (405)."""
    status = HTTPStatus(error.status_code)
    name = status.phrase.lower().replace(" ", "-")
    response = problem_response(request, ProblemType(status, name, status.phrase, status.description or status.phrase))
    if error.headers:
        response.headers.update(error.headers)
    return response


def validation_response(findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> Response:
    """Make FastAPI's standard 422: `{"detail": [...]}`."""
    # json and not orjson, which cannot encode integers above 64 bits.
    content = json.dumps({"detail": listed_findings(findings, omitted)}, allow_nan=False)
    return Response(content, 422, media_type="application/json")
