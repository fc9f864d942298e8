"""All errors that end a request. They carry meaning; `interface/problems.py` maps each leaf to an HTTP status.

```
HousingPriceError
├── RequestRefused                  the caller can correct it
│   ├── InvalidDocument             invalid JSON, or JSON that violates the schema; names each field
│   ├── DocumentTooLarge            the body exceeds the operation's size limit
│   ├── DocumentTooSlow             the body did not arrive in time
│   ├── UnsupportedMediaType        unsupported content type, or compressed
│   ├── ValueUnsupported            a database cannot process a value of the request
│   ├── RequestMalformed            malformed HTTP
│   ├── HeadTooLarge                the request head exceeds its size limit
│   ├── HeadTooSlow                 the request head did not arrive in time
│   ├── HostNotServed               the `Host` header names an unknown host
│   └── RangeNotSatisfiable         the file has no part as in the `Range` header
├── AccessRefused                   the caller is not allowed to make the request
│   ├── CredentialsMissing          no credentials were sent
│   ├── CredentialsInvalid          unknown, revoked, expired or forged
│   ├── ScopeMissing                the caller lacks the required scope
│   ├── OriginRefused               a web page of another origin asks for a change
│   └── RateLimitExceeded           the caller exceeded its rate limit
├── IdentityProviderUnavailable     the keys for checking tokens cannot be fetched
├── TooManyConnections              the maximum number of connections is open
├── PredictionLogError              the prediction log cannot answer
│   ├── PredictionUnknown           no logged prediction has this id
│   ├── PredictionLogOff            the prediction log is off
│   └── PredictionLogUnavailable    its database is unreachable or overloaded
├── QueueFull                       the queue is full; no model server was called
├── DeadlineExceeded                no answer before the request's deadline
├── ComparablesOff                  no comparables model is configured
├── JobError                        errors of jobs
│   ├── JobsOff                     jobs are off
│   ├── JobNotFound                 no job of this caller has this id
│   ├── JobFinished                 the job has ended and cannot change
│   ├── JobHasNoResult              the job has not succeeded, or has no result of this kind
│   ├── IdempotencyKeyReused        the key was used with a different request
│   ├── MoveRefused                 the lifecycle worker would refuse the move
│   │   ├── VersionUnknown          the registry has no such version
│   │   ├── TransitionIllegal       the move is not possible from the version's state
│   │   └── ModelRefused            the files of the version cannot be verified
│   ├── JobInputUnusable            the input file cannot be read
│   ├── JobOutputTaken              a file that the job would write exists, or another job writes it
│   ├── JobStoreFailed              the store of its files failed
│   ├── JobsUnavailable             the job queue or the file folder is unreachable
│   └── JobFilesFull                the file folder is full
└── ModelServerError                no usable answer from the model server
    ├── ModelServerUnavailable      unreachable, or it returned 502, 503 or 504; the only retryable error
    ├── ModelServerBusy             it returned 429
    ├── CircuitOpen                 not called, because it failed repeatedly
    ├── ModelChanged                parts of one request were priced by different models
    └── ModelAnswerUnusable         it answered without usable prices; never retried
        ├── ModelServerFailed       an unexpected status
        ├── RowsRefused             it returned 400: it rejected some of the rows
        ├── AnswerMalformed         not the expected JSON
        ├── AnswerIncomplete        the number of predictions differs from the number of rows
        └── SomeAnswersUnusable     some answers are unusable; keeps the others
            ├── PriceImplausible    a price or interval is missing, not finite, not positive or out of order
            └── ComparablesImplausible  implausible sales, or implausible parameters of the value
```
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from housing_price_orchestrator.shared.quota import Quota


class HousingPriceError(Exception):
    """Base class of all errors. The message is for the log, not for callers."""

    retry_after_seconds: int | None = None
    """Delay before a retry can succeed, in whole seconds, at least 1; None if unknown."""


MAX_RETRY_AFTER_SECONDS: Final = 60
"""Upper bound of `Retry-After`: load cannot be predicted for longer."""


def _whole_seconds(seconds: float) -> int:
    return min(MAX_RETRY_AFTER_SECONDS, max(1, math.ceil(seconds)))


class RequestRefused(HousingPriceError):
    """The request cannot be answered; the caller can correct it."""


MAX_FINDINGS: Final = 100
"""Maximum findings reported per document; further ones are only counted."""

BODY_MISSING: Final[Mapping[str, Any]] = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
"""The finding for an empty body."""


class InvalidDocument(RequestRefused):
    """The document is not valid JSON, or violates the operation's schema."""

    def __init__(self, findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> None:
        """Keep the findings: pydantic's error details, each with `type`, `loc`, `msg` and perhaps `input` and `ctx`.

        At most `MAX_FINDINGS` are kept; `omitted` counts the others.
        """
        super().__init__(f"the document has {len(findings) + omitted} errors")
        self.findings = findings
        self.omitted = omitted


class DocumentTooLarge(RequestRefused):
    """The document exceeds the operation's size limit."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(f"the document is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class DocumentTooSlow(RequestRefused):
    """The document did not arrive in time."""


class UnsupportedMediaType(RequestRefused):
    """The content type is not an expected one or is not declared, or the body is compressed."""

    def __init__(self, *expected: str, is_declared: bool = True) -> None:
        """Keep the expected media types, and whether the request declares the type of its body."""
        problem = "or is compressed" if is_declared else "because it declares no type"
        super().__init__(f"the body is not {' or '.join(expected)}, {problem}")
        self.expected = expected
        self.is_declared = is_declared


class RangeNotSatisfiable(RequestRefused):
    """The file has no part as in the `Range` header, or the header is malformed."""

    def __init__(self, size_bytes: int) -> None:
        """Keep the size of the file, in bytes."""
        super().__init__(f"the file has {size_bytes} bytes")
        self.size_bytes = size_bytes


class ValueUnsupported(RequestRefused):
    """A database cannot process a value of the request, such as a text with a NUL character.

    Operations validate their values, so that an error names the value. This error covers values that no check rejects.
    """


class AccessRefused(HousingPriceError):
    """The caller is not allowed to make this request."""


class CredentialsMissing(AccessRefused):
    """The operation requires authentication, and the request has no credentials."""


class CredentialsInvalid(AccessRefused):
    """The credentials are unknown, revoked, expired or forged."""


class ScopeMissing(AccessRefused):
    """The caller is authenticated but lacks the required scope."""

    def __init__(self, caller: str, scope: str) -> None:
        """Keep the required scope."""
        super().__init__(f"{caller} lacks the scope {scope}")
        self.scope = scope


class OriginRefused(AccessRefused):
    """A web page of an origin that is not allowed sent a request that changes state."""


class RateLimitExceeded(AccessRefused):
    """The caller or its address exceeded a rate limit."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        """Keep the quota of each limit, by the limit's name; at least one was exceeded."""
        super().__init__(", ".join(f"{name}: {quota.rate}" for name, quota in quotas.items() if not quota.is_granted))
        self.quotas = quotas


class IdentityProviderUnavailable(HousingPriceError):
    """The identity provider's keys cannot be fetched, so no token can be checked."""


class RequestMalformed(RequestRefused):
    """The request is not valid HTTP, or is ambiguous."""


class HeadTooLarge(RequestRefused):
    """The request line and the headers exceed their size limit."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(f"the head is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class HeadTooSlow(RequestRefused):
    """The request line and the headers did not arrive in time."""


class HostNotServed(RequestRefused):
    """The `Host` header names a host that this service does not serve."""


class TooManyConnections(HousingPriceError):
    """The maximum number of connections is open."""


class PredictionLogError(HousingPriceError):
    """The prediction log cannot answer."""


class PredictionUnknown(PredictionLogError):
    """No logged prediction has this id: never logged, not yet written, or deleted."""


class PredictionLogOff(PredictionLogError):
    """The prediction log is off."""


class PredictionLogUnavailable(PredictionLogError):
    """The database of the prediction log is unreachable or overloaded."""


class QueueFull(HousingPriceError):
    """The queue is full, or too long to answer the request in time."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        """Keep the expected wait for free capacity, in seconds, if known."""
        super().__init__(message)
        self.retry_after_seconds = None if seconds is None else _whole_seconds(seconds)


class DeadlineExceeded(HousingPriceError):
    """There was no answer before the request's deadline."""


class ComparablesOff(HousingPriceError):
    """No comparables model is configured, so valuations have no comparable sales."""


class JobError(HousingPriceError):
    """Base class of the errors of jobs."""


class JobsOff(JobError):
    """Jobs are off."""


class JobNotFound(JobError):
    """There is no such job, or it belongs to another caller. Both look the same, so that ids reveal nothing."""


class JobFinished(JobError):
    """The job has ended and cannot change."""

    def __init__(self, job_id: str, state: str) -> None:
        """Keep the job's state."""
        super().__init__(f"job {job_id} is {state}")
        self.state = state


class JobHasNoResult(JobError):
    """The job has not succeeded, or jobs of its kind have no such result."""

    def __init__(self, job_id: str, state: str) -> None:
        """Keep the job's state."""
        super().__init__(f"job {job_id} is {state} and has no such result")
        self.state = state


class IdempotencyKeyReused(JobError):
    """The `Idempotency-Key` was used before with a different request."""


class MoveRefused(JobError):
    """The lifecycle worker would refuse the move. The message is also shown to the caller."""


class VersionUnknown(MoveRefused):
    """The registry has no such version."""


class TransitionIllegal(MoveRefused):
    """The move is not possible from the state of the version, or of the other versions."""


class ModelRefused(MoveRefused):
    """The version was registered without a digest, so its files cannot be verified."""


class JobInputUnusable(JobError):
    """The input file of a job cannot be read. The message is also shown to the caller."""


class JobOutputTaken(JobError):
    """A file that a job would write already exists, or belongs to another unfinished job."""

    def __init__(self, output: str) -> None:
        """Keep the URI of the file."""
        super().__init__(f"{output} already exists, or another unfinished job writes it")
        self.output = output


class JobClaimTaken(Exception):
    """Another unfinished job has the same claim. Jobs reports it as `JobOutputTaken`."""


class JobStoreFailed(JobError):
    """The store that holds the input or the output of a job failed."""


class JobsUnavailable(JobError):
    """The job queue or the folder of its files is unreachable."""


class JobFilesFull(JobError):
    """The folder of the job files is full."""


class ModelServerError(HousingPriceError):
    """The model server returned no usable answer."""


class ModelServerUnavailable(ModelServerError):
    """The model server is unreachable or reports that it is unavailable. A retry may succeed."""


class ModelServerBusy(ModelServerError):
    """The model server reports that it is overloaded (429)."""


class CircuitOpen(ModelServerError):
    """The circuit is open: the model server failed or was slow repeatedly, and is not called."""

    def __init__(self, address: str, seconds_left: float) -> None:
        """Keep the time until the next probe."""
        super().__init__(f"the circuit of {address} is open, for {seconds_left:.3f} s")
        self.seconds_left = seconds_left
        self.retry_after_seconds = _whole_seconds(seconds_left)


class ModelChanged(ModelServerError):
    """Houses of one request were priced by different models, so their prices are not comparable."""


class ModelAnswerUnusable(ModelServerError):
    """The model server answered without usable prices."""


class ModelServerFailed(ModelAnswerUnusable):
    """The model server returned an error status or a redirect."""


class RowsRefused(ModelAnswerUnusable):
    """The model server rejected the rows (400)."""


class AnswerMalformed(ModelAnswerUnusable):
    """The answer is not the expected JSON."""


class AnswerIncomplete(ModelAnswerUnusable):
    """The number of predictions differs from the number of rows."""


class SomeAnswersUnusable(ModelAnswerUnusable):
    """Some answers of a call are unusable. The others are kept, so that only callers with an unusable one fail.

    Subclasses keep the signature of the constructor: coalescing creates the error of each caller from its part.
    """

    def __init__(self, message: str, answers: Sequence[Any]) -> None:
        """Keep the answer to each question, in order; None for each question without a usable one."""
        super().__init__(message)
        self.answers = answers


class PriceImplausible(SomeAnswersUnusable):
    """A price or its interval is missing, not finite, not positive or out of order. The answers are estimates."""


class ComparablesImplausible(SomeAnswersUnusable):
    """Sales are missing, not sorted, or not valid houses with plausible prices. The answers are `Comparables`."""
