"""The problem document of each error (RFC 9457): the only table that maps errors to HTTP statuses.

All texts for callers are defined here. They never contain a model server's message, a stack trace or a payload.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from housing_price_orchestrator.interface.listed_findings import listed_findings
from housing_price_orchestrator.shared import errors

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """The status and texts of a problem document."""

    status: int
    name: str
    title: str
    detail: str
    """May be a template in `PROBLEM_TYPES`: `{limitBytes}` stands for that value of `_values_of_template`."""
    retry_after_seconds: int | None = None


_NO_USABLE_PRICES: Final = "The model server returned no usable prices. Nothing was priced."

PROBLEM_TYPES: Final[dict[type[errors.HousingPriceError], ProblemType]] = {
    errors.InvalidDocument: ProblemType(
        422, "invalid-document", "Validation failed", "`errors` lists every field that is invalid."
    ),
    errors.DocumentTooLarge: ProblemType(
        413, "document-too-large", "Document too large", "At most {limitBytes} bytes are accepted."
    ),
    errors.DocumentTooSlow: ProblemType(
        408, "document-too-slow", "Request body timed out", "The body did not arrive in time. Send it without pauses."
    ),
    errors.UnsupportedMediaType: ProblemType(
        415, "unsupported-media-type", "Unsupported content type", "Send {expected}, uncompressed."
    ),
    errors.RangeNotSatisfiable: ProblemType(
        416,
        "range-not-satisfiable",
        "Range not satisfiable",
        "Send a range of bytes within the file, such as `Range: bytes=0-99`, or none. `Content-Range` holds its size.",
    ),
    errors.ValueUnsupported: ProblemType(
        422,
        "value-unsupported",
        "Unsupported value",
        "The request has a text or a number that cannot be stored or looked up, such as a text with a NUL character.",
    ),
    errors.CredentialsMissing: ProblemType(
        401,
        "credentials-missing",
        "Authentication required",
        "Send a key: `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    ),
    errors.CredentialsInvalid: ProblemType(
        401,
        "credentials-invalid",
        "Invalid credentials",
        "The key or token is unknown, revoked or expired. Ask the operator for a new one.",
    ),
    errors.ScopeMissing: ProblemType(403, "scope-missing", "Insufficient scope", "This key lacks the scope `{scope}`."),
    errors.OriginRefused: ProblemType(
        403,
        "origin-refused",
        "Cross-origin request refused",
        "Only pages of this service and of allowed origins may change anything here. The operator allows origins in "
        "`ORCHESTRATOR_CORS__ALLOWED_ORIGINS` or with `housing-price up --allow-origin`.",
    ),
    errors.RateLimitExceeded: ProblemType(
        429, "rate-limit-exceeded", "Too many requests", "Wait for the number of seconds in `Retry-After`."
    ),
    errors.IdentityProviderUnavailable: ProblemType(
        503,
        "identity-provider-unavailable",
        "Identity provider unavailable",
        "Tokens cannot be verified right now. Try again.",
        5,
    ),
    errors.RequestMalformed: ProblemType(
        400,
        "request-malformed",
        "Malformed HTTP request",
        "Send well-formed HTTP/1.1 requests, each with one valid `Host`.",
    ),
    errors.HostNotServed: ProblemType(
        400,
        "host-not-served",
        "Unknown host",
        "This service does not accept requests for this `Host`. The operator lists the accepted ones in "
        "`ORCHESTRATOR_SERVER__TRUSTED_HOSTS`.",
    ),
    errors.HeadTooLarge: ProblemType(
        431,
        "head-too-large",
        "Request head too large",
        "The request line and all headers may have at most {limitBytes} bytes in total.",
    ),
    errors.HeadTooSlow: ProblemType(
        408,
        "head-too-slow",
        "Request head timed out",
        "The request line and headers did not arrive in time. Send them without pauses.",
    ),
    errors.TooManyConnections: ProblemType(
        503, "too-many-connections", "Too many connections", "Open fewer connections, or try again in a moment.", 1
    ),
    errors.PredictionUnknown: ProblemType(
        404,
        "prediction-unknown",
        "Prediction not found",
        "No logged prediction has this id: it does not exist, was not logged, or was deleted after its retention time.",
    ),
    errors.PredictionLogOff: ProblemType(
        404, "prediction-log-off", "Prediction log disabled", "This service does not log predictions."
    ),
    errors.PredictionLogUnavailable: ProblemType(
        503,
        "prediction-log-unavailable",
        "Prediction log unavailable",
        "The database of the prediction log is unreachable or busy. Try again.",
        1,
    ),
    errors.QueueFull: ProblemType(
        503, "queue-full", "Queue full", "Too many houses are waiting to be priced. Try again in a moment.", 1
    ),
    errors.DeadlineExceeded: ProblemType(
        504,
        "deadline-exceeded",
        "Deadline exceeded",
        "The model server did not answer within the time limit of the request.",
    ),
    errors.ComparablesOff: ProblemType(
        404,
        "comparables-off",
        "Comparables disabled",
        "This service has no comparables model. The operator names its server in `ORCHESTRATOR_COMPARABLES__BASE_URL`.",
    ),
    errors.JobsOff: ProblemType(
        404, "jobs-off", "Jobs disabled", "Jobs are not enabled on this service. Ask the operator to enable them."
    ),
    errors.JobNotFound: ProblemType(404, "job-not-found", "Job not found", "No job of yours has this id."),
    errors.JobFinished: ProblemType(
        409, "job-finished", "Job already finished", "The job is in the final state `{state}` and cannot be changed."
    ),
    errors.JobHasNoResult: ProblemType(
        409,
        "job-has-no-result",
        "No such result",
        "This job has no such result in the state `{state}`. Results exist only after a job has succeeded; refused "
        "rows also after it failed with `no-row-priced`.",
    ),
    errors.IdempotencyKeyReused: ProblemType(
        422,
        "idempotency-key-reused",
        "Idempotency key reused",
        "This `Idempotency-Key` was already used for a different request. Choose a new one.",
    ),
    errors.VersionUnknown: ProblemType(404, "version-unknown", "Unknown version", "{reason}"),
    errors.TransitionIllegal: ProblemType(409, "transition-illegal", "Move not possible", "{reason}"),
    errors.ModelRefused: ProblemType(409, "model-refused", "Model cannot be served", "{reason}"),
    errors.JobInputUnusable: ProblemType(
        422, "input-unusable", "Unreadable input file", "The `error` of the job says why its file cannot be read."
    ),
    errors.JobOutputTaken: ProblemType(
        409,
        "output-taken",
        "Output name taken",
        "`{output}` already exists, or another unfinished job writes it. Existing files are never replaced: choose "
        "another `output`.",
    ),
    errors.JobStoreFailed: ProblemType(
        502,
        "store-failed",
        "File store failed",
        "The file could not be read from, or written to, its store. The worker's log states the cause.",
    ),
    errors.JobsUnavailable: ProblemType(
        503, "jobs-unavailable", "Job queue unavailable", "The job queue or its files are unreachable. Try again.", 5
    ),
    errors.JobFilesFull: ProblemType(
        507, "job-files-full", "Job storage full", "There is no space for the file. Ask the operator to free some."
    ),
    errors.ModelServerUnavailable: ProblemType(
        503, "model-server-unavailable", "Model server unavailable", "The model server is unreachable. Try again.", 1
    ),
    errors.ModelServerBusy: ProblemType(
        503, "model-server-busy", "Model server busy", "The model server is overloaded. Try again.", 1
    ),
    errors.CircuitOpen: ProblemType(
        503,
        "circuit-open",
        "Circuit open: the model server is failing",
        "Recent calls to the model server failed or were too slow. Wait for the number of seconds in `Retry-After`.",
        1,
    ),
    errors.ModelChanged: ProblemType(
        503,
        "model-changed",
        "Model changed during the request",
        "All prices in one response come from the same model, which was replaced just now. Try again.",
        1,
    ),
    errors.ModelServerFailed: ProblemType(502, "model-server-failed", "Model server failed", _NO_USABLE_PRICES),
    errors.RowsRefused: ProblemType(502, "rows-refused", "Model server rejected the rows", _NO_USABLE_PRICES),
    errors.AnswerMalformed: ProblemType(
        502, "answer-malformed", "Malformed response from the model server", _NO_USABLE_PRICES
    ),
    errors.AnswerIncomplete: ProblemType(
        502, "answer-incomplete", "Incomplete response from the model server", _NO_USABLE_PRICES
    ),
    errors.PriceImplausible: ProblemType(
        502, "price-implausible", "Implausible price from the model server", _NO_USABLE_PRICES
    ),
    errors.ComparablesImplausible: ProblemType(
        502,
        "comparables-implausible",
        "Implausible sales from the comparables server",
        "The model server returned no usable comparable sales.",
    ),
}
"""The problem type of each leaf class of the error tree. A test walks the tree and fails if one is missing."""

INTERNAL_ERROR: Final = ProblemType(
    500, "internal-error", "Internal server error", "Quote the `requestId` when you report this error."
)
NOT_READY: Final = ProblemType(
    503, "not-ready", "Not ready", "Houses cannot be priced right now. `missing` lists the reasons.", 1
)


def problem_type_of(error: Exception) -> ProblemType:
    """Return the problem type of an error; an error without a row in the table is a 500 with a generic text."""
    if not isinstance(error, errors.HousingPriceError):
        return INTERNAL_ERROR
    problem = PROBLEM_TYPES.get(type(error), INTERNAL_ERROR)
    if "{" in problem.detail:
        problem = replace(problem, detail=problem.detail.format_map(_values_of_template(error)))
    if error.retry_after_seconds is not None:
        return replace(problem, retry_after_seconds=error.retry_after_seconds)
    return problem


def _values_of_template(error: errors.HousingPriceError) -> Mapping[str, Any]:
    """Return the values for the detail of an error, most of which are its extension members as well."""
    if isinstance(error, errors.MoveRefused):
        return {"reason": str(error)}
    if isinstance(error, errors.UnsupportedMediaType):
        expected = " or ".join(f"`{media_type}`" for media_type in error.expected)
        return {"expected": expected if error.is_declared else f"{expected} with its `Content-Type` header"}
    return extension_members(error)


def problem_urn(problem: ProblemType) -> str:
    """Return the stable identifier of a kind of problem."""
    return f"urn:housing-price:problem:{problem.name}"


def problem_document(problem: ProblemType, request_id: str, **members: Any) -> dict[str, Any]:
    """Make a problem document (RFC 9457); `members` are its extension members."""
    return {
        "type": problem_urn(problem),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "requestId": request_id,
        **members,
    }


def extension_members(error: Exception) -> dict[str, Any]:  # noqa: PLR0911 - one per kind of error
    """Return the extension members that an error adds to its problem document."""
    match error:
        case errors.InvalidDocument():
            return {"errors": listed_findings(error.findings, error.omitted)}
        case errors.DocumentTooLarge() | errors.HeadTooLarge():
            return {"limitBytes": error.limit_bytes}
        case errors.UnsupportedMediaType():
            return {"expected": " or ".join(error.expected)}
        case errors.ScopeMissing():
            return {"scope": error.scope}
        case errors.JobFinished() | errors.JobHasNoResult():
            return {"state": error.state}
        case errors.JobOutputTaken():
            return {"output": error.output}
    return {}
