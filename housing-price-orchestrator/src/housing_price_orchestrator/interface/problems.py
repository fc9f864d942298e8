"""From errors to answers: the only place that knows which status an error has.

All but 422 are `application/problem+json` (RFC 9457). Their texts are written here: nothing that a model server said,
no stack trace and no payload ever stands in an answer.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from housing_price_orchestrator.interface.request_id import request_id_of
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.quota import Quota
from housing_price_orchestrator.shared.view.house import House

PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_SUGGESTIONS = 5
_NOT_A_PAGE = {"x-content-type-options": "nosniff"}
MAX_REPEATED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told about an error."""

    status: int
    name: str
    title: str
    detail: str
    retry_after_seconds: int | None = None


_UNUSABLE = "The model server answered without usable prices. Nothing was priced."

ANSWER_OF_ERROR: dict[type[errors.HousingPriceError], Answer] = {
    errors.InvalidDocument: Answer(422, "invalid-document", "The document breaks the contract", "See `errors`."),
    errors.DocumentTooLarge: Answer(
        413, "document-too-large", "Too many bytes", "`limitBytes` says how many are taken here."
    ),
    errors.DocumentTooSlow: Answer(
        408, "document-too-slow", "The body did not come in time", "Send it again, without pauses."
    ),
    errors.UnsupportedMediaType: Answer(
        415, "unsupported-media-type", "Another kind of body is taken here", "Send `expected`, uncompressed."
    ),
    errors.CredentialsMissing: Answer(
        401, "credentials-missing", "Who asks?", "Send a key: `Authorization: Bearer KEY` or `X-API-Key: KEY`."
    ),
    errors.CredentialsInvalid: Answer(
        401, "credentials-invalid", "The key is not valid", "It is unknown, revoked or expired. Ask for another one."
    ),
    errors.ScopeMissing: Answer(
        403, "scope-missing", "The key is not good for this", "`scope` is what it would have to be good for."
    ),
    errors.RateLimitExceeded: Answer(
        429, "rate-limit-exceeded", "Too many requests", "`Retry-After` says how many seconds to wait."
    ),
    errors.IdentityProviderUnavailable: Answer(
        503, "identity-provider-unavailable", "Tokens cannot be checked", "Their issuer is away. Try again.", 5
    ),
    errors.RequestMalformed: Answer(
        400, "request-malformed", "Not HTTP as it should be", "Send one well-formed HTTP/1.1 request after another."
    ),
    errors.HostNotServed: Answer(
        400,
        "host-not-served",
        "Meant for another service",
        "This service does not answer for that `Host`.",
    ),
    errors.HeadTooLarge: Answer(
        431, "head-too-large", "Too many bytes before the body", "`limitBytes` says how many are read."
    ),
    errors.HeadTooSlow: Answer(408, "head-too-slow", "The head did not come in time", "Send it without pauses."),
    errors.TooManyConnections: Answer(
        503, "too-many-connections", "Too many connections", "Try again in a moment, over fewer connections.", 1
    ),
    errors.PredictionUnknown: Answer(
        404, "prediction-unknown", "No such prediction", "It was never made, not logged, or is forgotten by now."
    ),
    errors.PredictionLogOff: Answer(
        404, "prediction-log-off", "Nothing is logged", "The prediction log of this service is switched off."
    ),
    errors.PredictionLogUnavailable: Answer(
        503, "prediction-log-unavailable", "The prediction log is away", "It cannot be asked right now. Try again.", 1
    ),
    errors.QueueFull: Answer(503, "queue-full", "Too much is waiting", "Try again in a moment.", 1),
    errors.DeadlineExceeded: Answer(
        504, "deadline-exceeded", "No answer in time", "The model server did not answer within the request's time."
    ),
    errors.JobsOff: Answer(
        404, "jobs-off", "There are no jobs here", "Jobs are not switched on. Ask the operator to do so."
    ),
    errors.JobNotFound: Answer(404, "job-not-found", "No such job", "No job of yours has this id."),
    errors.JobFinished: Answer(409, "job-finished", "The job has finished", "`state` says how it ended. It stays so."),
    errors.JobHasNoResult: Answer(
        409, "job-has-no-result", "There is no such result", "`state` says how far the job is: wait until it succeeds."
    ),
    errors.IdempotencyKeyReused: Answer(
        422,
        "idempotency-key-reused",
        "The key came with another request before",
        "Choose a new `Idempotency-Key` for a new request.",
    ),
    errors.JobInputUnusable: Answer(422, "input-unusable", "The file cannot be read", "See what the job says of it."),
    errors.JobStoreFailed: Answer(
        502,
        "store-failed",
        "The store failed",
        "The file could not be read or written there: the worker's log says why.",
    ),
    errors.JobsUnavailable: Answer(503, "jobs-unavailable", "Jobs cannot be reached", "Try again in a moment.", 5),
    errors.JobFilesFull: Answer(507, "job-files-full", "No room for the file", "Ask the operator to make room."),
    errors.ModelServerUnavailable: Answer(
        503, "model-server-unavailable", "The model server is away", "It cannot be reached right now. Try again.", 1
    ),
    errors.ModelServerBusy: Answer(
        503, "model-server-busy", "The model server is busy", "It has too much to do right now. Try again.", 1
    ),
    errors.CircuitOpen: Answer(
        503, "circuit-open", "The model server is left alone", "It failed again and again until a moment ago.", 1
    ),
    errors.ModelChanged: Answer(
        503, "model-changed", "The model is being exchanged", "One answer has the prices of one model. Try again.", 1
    ),
    errors.ModelServerFailed: Answer(502, "model-server-failed", "The model server failed", _UNUSABLE),
    errors.RowsRefused: Answer(502, "rows-refused", "The model server refused the rows", _UNUSABLE),
    errors.AnswerMalformed: Answer(502, "answer-malformed", "The model server's answer cannot be read", _UNUSABLE),
    errors.AnswerIncomplete: Answer(502, "answer-incomplete", "The model server's answer is incomplete", _UNUSABLE),
    errors.PriceImplausible: Answer(502, "price-implausible", "The model server's price makes no sense", _UNUSABLE),
}
"""The answer to each leaf of the error tree; a test walks the tree and fails when one is missing."""

_CHALLENGE = 'Bearer realm="housing-price"'
_UNEXPECTED = Answer(500, "internal-error", "Something went wrong here", "Quote the request id when you report it.")


def answer_to(error: Exception) -> Answer:
    """Look up what a caller is told about an error; anything without a name is a 500 with a generic text."""
    if not isinstance(error, errors.HousingPriceError):
        return _UNEXPECTED
    answer = ANSWER_OF_ERROR.get(type(error), _UNEXPECTED)
    if error.retry_after_seconds is not None:
        return replace(answer, retry_after_seconds=error.retry_after_seconds)
    return answer


def problem(request: Request, answer: Answer, **members: Any) -> Response:
    """Write a problem document (RFC 9457); `members` extend it."""
    document = problem_document(answer, request_id_of(request.scope), **members)
    headers = dict(_NOT_A_PAGE)
    if answer.retry_after_seconds is not None:
        headers["retry-after"] = str(answer.retry_after_seconds)
    if answer.status == HTTPStatus.REQUEST_TIMEOUT:
        # Who sent half a request is not waited for to send the rest.
        headers["connection"] = "close"
    return Response(json.dumps(document), answer.status, headers, PROBLEM_MEDIA_TYPE)


def problem_document(answer: Answer, request_id: str, **members: Any) -> dict[str, Any]:
    """Make a problem document (RFC 9457); `members` extend it."""
    return {
        "type": f"urn:housing-price:problem:{answer.name}",
        "title": answer.title,
        "status": answer.status,
        "detail": answer.detail,
        "requestId": request_id,
        **members,
    }


def response_to(request: Request, error: Exception) -> Response | None:
    """Answer an error that has a meaning; None for a defect, which has none."""
    match error:
        case errors.HousingPriceError():
            return on_error(request, error)
        case RequestValidationError():
            # What FastAPI itself finds wrong with a path, query or header parameter.
            return invalid(error.errors())
        case HTTPException():
            return on_http_exception(request, error)
    return None


def on_error(request: Request, error: errors.HousingPriceError) -> Response:
    """Answer a named error; what it says for itself goes to the log only."""
    request.state.error = f"{type(error).__name__}: {error}"
    refused(error, request.scope["state"]["record"], request.app.state.request_metrics)
    if isinstance(error, errors.InvalidDocument):
        return invalid(error.findings, error.omitted)
    response = problem(request, answer_to(error), **members_of(error))
    response.headers.update(headers_of(error))
    return response


def seconds_to_wait(quotas: Mapping[str, Quota]) -> int:
    """Tell after how many whole seconds a request will be granted again."""
    return max(math.ceil(quota.seconds) or 1 for quota in quotas.values() if not quota.is_granted)


def headers_of_quotas(quotas: Mapping[str, Quota]) -> dict[str, str]:
    """Say what the limits are, and what is left where that is known (draft-ietf-httpapi-ratelimit-headers-11)."""
    left = [
        f'"{name}";r={quota.remaining};t={math.ceil(quota.seconds)}'
        for name, quota in quotas.items()
        if quota.remaining is not None
    ]
    policies = [f'"{name}";q={quota.rate.requests};w={quota.rate.seconds}' for name, quota in quotas.items()]
    headers = {"ratelimit-policy": ", ".join(policies)}
    if left:
        headers["ratelimit"] = ", ".join(left)
    return headers


def headers_of(error: Exception) -> dict[str, str]:
    """Give what an error says in headers (RFC 6750, section 3), beside what its `Answer` says."""
    match error:
        case errors.CredentialsMissing():
            return {"www-authenticate": _CHALLENGE}
        case errors.CredentialsInvalid():
            return {"www-authenticate": f'{_CHALLENGE}, error="invalid_token"'}
        case errors.ScopeMissing():
            return {"www-authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{error.scope}"'}
        case errors.RateLimitExceeded():
            return {"retry-after": str(seconds_to_wait(error.quotas)), **headers_of_quotas(error.quotas)}
    return {}


def refused(error: Exception, record: RequestRecord, metrics: RequestMetrics | None) -> None:
    """Write down that a request, or a line of it, is refused or has failed, and over which features."""
    record.refusal = answer_to(error).name
    if metrics is not None:
        findings = error.findings if isinstance(error, errors.InvalidDocument) else ()
        metrics.refused(record.refusal, (_feature(finding["loc"]) for finding in findings))


def _feature(loc: Sequence[object]) -> object:
    """Find what a finding is about: the key below `body`, or below the number of a house in a batch."""
    return next((part for part in loc[1:] if isinstance(part, str) and part != "data"), None)


def members_of(error: Exception) -> dict[str, Any]:
    """Give what an error adds to its problem document."""
    match error:
        case errors.InvalidDocument():
            return {"errors": shown(error.findings, error.omitted)}
        case errors.DocumentTooLarge() | errors.HeadTooLarge():
            return {"limitBytes": error.limit_bytes}
        case errors.UnsupportedMediaType():
            return {"expected": error.expected}
        case errors.ScopeMissing():
            return {"scope": error.scope}
        case errors.JobFinished() | errors.JobHasNoResult():
            return {"state": error.state}
    return {}


def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer what the framework refuses: an unknown path (404), a wrong method (405)."""
    phrase = HTTPStatus(error.status_code)
    name = phrase.phrase.lower().replace(" ", "-")
    response = problem(request, Answer(phrase, name, phrase.phrase, phrase.description or phrase.phrase))
    if error.headers:
        response.headers.update(error.headers)
    return response


def invalid(findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> Response:
    """Write FastAPI's standard 422: `{"detail": [...]}`."""
    # The standard library's encoder writes what orjson cannot: whole numbers of any length.
    return Response(
        json.dumps({"detail": shown(findings, omitted)}, allow_nan=False), 422, media_type="application/json"
    )


def shown(findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> list[dict[str, Any]]:
    """Make findings fit for an answer: those that are listed, and then a count."""
    listed = []
    suggestions = 0
    for finding in findings[: errors.MAX_FINDINGS]:
        entry = _presentable(finding)
        # Comparing keys takes its time, and who misspells many has seen enough after some.
        if finding["type"] == "extra_forbidden" and suggestions < MAX_SUGGESTIONS:
            suggestions += 1
            if meant := _meant(str(finding["loc"][-1])):
                entry.setdefault("ctx", {})["didYouMean"] = meant
        listed.append(entry)
    omitted += len(findings) - len(listed)
    if omitted > 0:
        message = f"{omitted} further errors are not listed"
        listed.append({"type": "too_many_errors", "loc": ["body"], "msg": message, "ctx": {"omitted": omitted}})
    return listed


def _presentable(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not a short scalar."""
    entry = {
        "type": finding["type"],
        "loc": [part[:MAX_REPEATED_CHARACTERS] if isinstance(part, str) else part for part in finding["loc"]],
        "msg": finding["msg"],
    }
    if "input" in finding and _is_short_scalar(finding["input"]):
        entry["input"] = finding["input"]
    context = {key: value for key, value in finding.get("ctx", {}).items() if _is_short_scalar(value, longest=2_000)}
    if context:
        entry["ctx"] = context
    return entry


def _is_short_scalar(value: Any, longest: int = MAX_REPEATED_CHARACTERS) -> bool:
    match value:
        case None | bool():
            return True
        case str():
            return len(value) <= longest
        case int():
            # A decimal digit takes log2(10) bits; measured this way because str() refuses very long numbers.
            return value.bit_length() <= longest * math.log2(10)
        case float():
            return math.isfinite(value)
    return False


_KEYS = {(field.alias or name).lower(): field.alias or name for name, field in House.model_fields.items()}


def _meant(key: str) -> str | None:
    if len(key) > MAX_REPEATED_CHARACTERS:
        return None
    close = difflib.get_close_matches(key.replace("_", "").lower(), _KEYS, n=1, cutoff=0.8)
    return _KEYS[close[0]] if close else None
