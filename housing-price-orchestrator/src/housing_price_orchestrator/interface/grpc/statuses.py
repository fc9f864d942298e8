"""The gRPC status of each error: the table beside `PROBLEM_TYPES`, which has the HTTP status and the texts."""

from collections.abc import Mapping
from typing import Final

from grpc import StatusCode

from housing_price_orchestrator.shared import errors

STATUSES: Final[Mapping[type[errors.HousingPriceError], StatusCode]] = {
    errors.InvalidDocument: StatusCode.INVALID_ARGUMENT,
    errors.DocumentTooLarge: StatusCode.RESOURCE_EXHAUSTED,
    errors.DocumentTooSlow: StatusCode.DEADLINE_EXCEEDED,
    errors.UnsupportedMediaType: StatusCode.UNIMPLEMENTED,
    errors.RangeNotSatisfiable: StatusCode.OUT_OF_RANGE,
    errors.ValueUnsupported: StatusCode.INVALID_ARGUMENT,
    errors.CredentialsMissing: StatusCode.UNAUTHENTICATED,
    errors.CredentialsInvalid: StatusCode.UNAUTHENTICATED,
    errors.ScopeMissing: StatusCode.PERMISSION_DENIED,
    errors.OriginRefused: StatusCode.PERMISSION_DENIED,
    errors.RateLimitExceeded: StatusCode.RESOURCE_EXHAUSTED,
    errors.IdentityProviderUnavailable: StatusCode.UNAVAILABLE,
    errors.RequestMalformed: StatusCode.INVALID_ARGUMENT,
    errors.HostNotServed: StatusCode.INVALID_ARGUMENT,
    errors.HeadTooLarge: StatusCode.RESOURCE_EXHAUSTED,
    errors.HeadTooSlow: StatusCode.DEADLINE_EXCEEDED,
    errors.TooManyConnections: StatusCode.UNAVAILABLE,
    errors.PredictionUnknown: StatusCode.NOT_FOUND,
    errors.PredictionLogOff: StatusCode.UNIMPLEMENTED,
    errors.PredictionLogUnavailable: StatusCode.UNAVAILABLE,
    errors.QueueFull: StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
    errors.ComparablesOff: StatusCode.UNIMPLEMENTED,
    errors.JobsOff: StatusCode.UNIMPLEMENTED,
    errors.JobNotFound: StatusCode.NOT_FOUND,
    errors.JobFinished: StatusCode.FAILED_PRECONDITION,
    errors.JobHasNoResult: StatusCode.FAILED_PRECONDITION,
    errors.IdempotencyKeyReused: StatusCode.ALREADY_EXISTS,
    errors.VersionUnknown: StatusCode.NOT_FOUND,
    errors.TransitionIllegal: StatusCode.FAILED_PRECONDITION,
    errors.ModelRefused: StatusCode.FAILED_PRECONDITION,
    errors.JobInputUnusable: StatusCode.INVALID_ARGUMENT,
    errors.JobOutputTaken: StatusCode.ALREADY_EXISTS,
    errors.JobStoreFailed: StatusCode.UNAVAILABLE,
    errors.JobsUnavailable: StatusCode.UNAVAILABLE,
    errors.JobFilesFull: StatusCode.RESOURCE_EXHAUSTED,
    errors.ModelServerUnavailable: StatusCode.UNAVAILABLE,
    errors.ModelServerBusy: StatusCode.UNAVAILABLE,
    errors.CircuitOpen: StatusCode.UNAVAILABLE,
    errors.ModelChanged: StatusCode.UNAVAILABLE,
    # 502 over HTTP, which gRPC maps to UNAVAILABLE. Without RetryInfo: the next answer is likely to be the same.
    errors.ModelServerFailed: StatusCode.UNAVAILABLE,
    errors.RowsRefused: StatusCode.UNAVAILABLE,
    errors.AnswerMalformed: StatusCode.UNAVAILABLE,
    errors.AnswerIncomplete: StatusCode.UNAVAILABLE,
    errors.PriceImplausible: StatusCode.UNAVAILABLE,
    errors.ComparablesImplausible: StatusCode.UNAVAILABLE,
}
"""The status of each leaf class of the error tree. A test compares the classes with those of `PROBLEM_TYPES`."""


def status_of(error: Exception) -> StatusCode:
    """Return the status of an error; INTERNAL for a defect."""
    if isinstance(error, errors.HousingPriceError):
        return STATUSES.get(type(error), StatusCode.INTERNAL)
    return StatusCode.INTERNAL
