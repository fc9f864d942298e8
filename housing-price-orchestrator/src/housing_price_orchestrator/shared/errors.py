"""Everything that can go wrong and has a name; errors carry meaning, not HTTP.

`interface/problems.py` gives each leaf its status.

```
HousingPriceError
├── RequestRefused                  the caller can put it right
│   ├── InvalidDocument             the JSON is broken or breaks the contract; names each field
│   ├── DocumentTooLarge            more bytes than the operation takes
│   ├── DocumentTooSlow             its bytes did not come in time
│   ├── UnsupportedMediaType        of another kind, or compressed
│   ├── RequestMalformed            not HTTP as it should be
│   ├── HeadTooLarge                more bytes before the body than are read
│   ├── HeadTooSlow                 those bytes did not come in time
│   └── HostNotServed               meant for another service
├── AccessRefused                   who asks may not
│   ├── CredentialsMissing          nobody said who asks
│   ├── CredentialsInvalid          unknown, revoked, expired or forged
│   ├── ScopeMissing                known, and not allowed to do this
│   └── RateLimitExceeded           too many requests in too short a time
├── IdentityProviderUnavailable     the keys that tokens are checked with cannot be had
├── TooManyConnections              all that may be served are taken
├── PredictionLogError              what is remembered about prices cannot be told
│   ├── PredictionUnknown           no price with this id was written down
│   ├── PredictionLogOff            nothing is written down at all
│   └── PredictionLogUnavailable    its database is away, or too busy
├── QueueFull                       too much is waiting already; nothing was asked
├── DeadlineExceeded                no answer within the time that the request had
├── JobError                        about jobs and nothing else
│   ├── JobsOff                     jobs are not switched on here
│   ├── JobNotFound                 there is none of that id, or it is somebody else's
│   ├── JobFinished                 nothing can be changed any more
│   ├── JobHasNoResult              it has not succeeded, or it makes nothing of that kind
│   ├── IdempotencyKeyReused        the key has come with another request before
│   ├── JobInputUnusable            its file cannot be read at all
│   ├── JobStoreFailed              where its files are, or are to be, something fails
│   ├── JobsUnavailable             the queue or its files cannot be reached
│   └── JobFilesFull                there is no room for another file
└── ModelServerError                there is no usable answer
    ├── ModelServerUnavailable      unreachable, or 502/503/504 from it; the only kind that may pass by itself
    ├── ModelServerBusy             it said 429
    ├── CircuitOpen                 not asked: it failed again and again until a moment ago
    ├── ModelChanged                parts of one answer were priced by different models
    └── ModelAnswerUnusable         it answered, and not with prices; never retried
        ├── ModelServerFailed       a status that is neither success nor one of the above
        ├── RowsRefused             400: it did not accept (some of) the rows
        ├── AnswerMalformed         not the JSON that was agreed upon
        ├── AnswerIncomplete        another count than there were rows
        └── PriceImplausible        a price or interval that is missing, not finite, not positive or not in order
```
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from housing_price_orchestrator.shared.quota import Quota


class HousingPriceError(Exception):
    """Anything that this service refuses or fails at, by name. The text is for the log, not for callers."""

    retry_after_seconds: int | None = None
    """When it makes sense to try again, where that can be computed: whole seconds, at least 1."""


LONGEST_RETRY_AFTER_SECONDS = 60
"""Nobody is told to stay away for longer: what is known now says little about what is then."""


def _whole_seconds(seconds: float) -> int:
    return min(LONGEST_RETRY_AFTER_SECONDS, max(1, math.ceil(seconds)))


class RequestRefused(HousingPriceError):
    """The request cannot be answered as it is; its caller can put it right."""


MAX_FINDINGS = 100
"""A document's findings beyond so many are only counted."""


class InvalidDocument(RequestRefused):
    """The document is not the JSON that the operation takes."""

    def __init__(self, findings: Sequence[Mapping[str, Any]], omitted: int = 0) -> None:
        """Keep what is wrong: pydantic's details, each with `type`, `loc`, `msg`, perhaps `input` and `ctx`.

        There are at most `MAX_FINDINGS` of them; `omitted` tells how many more were counted.
        """
        super().__init__(f"{len(findings) + omitted} findings in the document")
        self.findings = findings
        self.omitted = omitted


class DocumentTooLarge(RequestRefused):
    """The document has more bytes than the operation takes."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(f"the document is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class DocumentTooSlow(RequestRefused):
    """The document was not there within the time that it may take to send it."""


class UnsupportedMediaType(RequestRefused):
    """The body is declared to be of another kind than the operation takes, or is compressed."""

    def __init__(self, expected: str) -> None:
        """Keep the media type that would be right."""
        super().__init__(f"not {expected}, uncompressed")
        self.expected = expected


class AccessRefused(HousingPriceError):
    """Who asks may not have what they ask for."""


class CredentialsMissing(AccessRefused):
    """The operation is for known callers, and the request does not say whose it is."""


class CredentialsInvalid(AccessRefused):
    """What the request says about whose it is cannot be believed: unknown, revoked, expired or forged."""


class ScopeMissing(AccessRefused):
    """The caller is known, and may not do this."""

    def __init__(self, caller: str, scope: str) -> None:
        """Keep the scope that the operation takes."""
        super().__init__(f"{caller} lacks the scope {scope}")
        self.scope = scope


class RateLimitExceeded(AccessRefused):
    """There have been more requests of this caller or address than its rate allows."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        """Keep what the request found of each limit, by name; at least one did not grant it."""
        super().__init__(", ".join(f"{name}: {quota.rate}" for name, quota in quotas.items() if not quota.is_granted))
        self.quotas = quotas


class IdentityProviderUnavailable(HousingPriceError):
    """The keys that tokens are checked with cannot be had, so nobody can be told from anybody else."""


class RequestMalformed(RequestRefused):
    """The bytes are not HTTP, or HTTP that could be read in two ways."""


class HeadTooLarge(RequestRefused):
    """The request line and the headers have more bytes than are read."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(f"the head is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class HeadTooSlow(RequestRefused):
    """The request line and the headers were not there within the time that they may take."""


class HostNotServed(RequestRefused):
    """The request names a host that this service does not answer for."""


class TooManyConnections(HousingPriceError):
    """As many connections are open as are served."""


class PredictionLogError(HousingPriceError):
    """What is remembered about prices cannot be told."""


class PredictionUnknown(PredictionLogError):
    """No price with this id was written down, or not yet, or not any more."""


class PredictionLogOff(PredictionLogError):
    """Nothing is written down at all."""


class PredictionLogUnavailable(PredictionLogError):
    """The database of the log is away, or too busy."""


class QueueFull(HousingPriceError):
    """So many houses are waiting to be priced that this one would wait too long."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        """Keep how long it would take until there is room, in seconds, where that is known."""
        super().__init__(message)
        self.retry_after_seconds = None if seconds is None else _whole_seconds(seconds)


class DeadlineExceeded(HousingPriceError):
    """There was no answer within the time that the request had."""


class JobError(HousingPriceError):
    """Something about a job."""


class JobsOff(JobError):
    """Jobs are not switched on here."""


class JobNotFound(JobError):
    """There is no such job, or it belongs to somebody else, who would not like it to be known."""


class JobFinished(JobError):
    """The job has come to its end, and stays as it is."""

    def __init__(self, job_id: str, state: str) -> None:
        """Keep the state that it is in."""
        super().__init__(f"job {job_id} is {state}")
        self.state = state


class JobHasNoResult(JobError):
    """The job has not succeeded (yet), or jobs of its kind make nothing like that."""

    def __init__(self, job_id: str, state: str) -> None:
        """Keep the state that it is in."""
        super().__init__(f"job {job_id} is {state} and has no such result")
        self.state = state


class IdempotencyKeyReused(JobError):
    """The `Idempotency-Key` has come with another request before."""


class JobInputUnusable(JobError):
    """The file of a job cannot be read at all; the text is for its caller, too."""


class JobStoreFailed(JobError):
    """The store that the files of a job are in, or are to be written to, fails."""


class JobsUnavailable(JobError):
    """The queue of the jobs, or the folder of their files, cannot be reached."""


class JobFilesFull(JobError):
    """There is no room for another file."""


class ModelServerError(HousingPriceError):
    """The model server gave no usable answer."""


class ModelServerUnavailable(ModelServerError):
    """The model server could not be reached, or said that it is away. It may pass by itself."""


class ModelServerBusy(ModelServerError):
    """The model server said that it has too much to do."""


class CircuitOpen(ModelServerError):
    """The model server failed or was slow again and again until a moment ago, and is left alone."""

    def __init__(self, address: str, seconds_left: float) -> None:
        """Keep when somebody looks at it again."""
        super().__init__(f"the circuit of {address} is open, for {seconds_left:.3f} s")
        self.seconds_left = seconds_left
        self.retry_after_seconds = _whole_seconds(seconds_left)


class ModelChanged(ModelServerError):
    """What was asked for together was priced by different models, whose prices cannot be compared."""


class ModelAnswerUnusable(ModelServerError):
    """The model server answered, and there is no price in it that may be handed on."""


class ModelServerFailed(ModelAnswerUnusable):
    """The model server answered with a status that means that it failed, or with a redirect."""


class RowsRefused(ModelAnswerUnusable):
    """The model server did not accept the rows (400)."""


class AnswerMalformed(ModelAnswerUnusable):
    """The answer is not the JSON that was agreed upon."""


class AnswerIncomplete(ModelAnswerUnusable):
    """The answer holds another number of predictions than there were rows."""


class PriceImplausible(ModelAnswerUnusable):
    """For some house the price or its interval is missing, not finite, not positive or not in order."""

    def __init__(self, message: str, estimates: Sequence[Any]) -> None:
        """Keep the `PriceEstimate` of each house, in order, and None for each that has no usable one."""
        super().__init__(message)
        self.estimates = estimates
