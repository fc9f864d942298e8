"""Rich errors: `google.rpc.Status` in the trailing metadata `grpc-status-details-bin`, and errors inside streams.

Source: https://google.aip.dev/193 and `google/rpc/error_details.proto`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from housing_price_orchestrator.interface.error_responses import retry_after_seconds
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.grpc.statuses import status_of
from housing_price_orchestrator.interface.problems import ProblemType, problem_type_of, problem_urn
from housing_price_orchestrator.shared import errors

DOMAIN: Final = "housing-price"
"""The `domain` of `google.rpc.ErrorInfo`: the service that generated the error."""

DETAILS_KEY: Final = "grpc-status-details-bin"

MAX_VIOLATIONS_BYTES: Final = 3_000
"""Maximum size of the listed violations: clients refuse trailing metadata of more than 8 KiB, encoded in base 64."""

MAX_FIELD_CHARACTERS: Final = 100
MAX_DESCRIPTION_CHARACTERS: Final = 500
MAX_TEXT_CHARACTERS: Final = 500
"""Maximum length of the status message, of which each byte that is not ASCII takes three."""

_SHORT_VIOLATIONS: Final = 3
_SHORT_CHARACTERS: Final = 80


def rich_status(error: Exception, request_id: str) -> status_pb2.Status:
    """Make the status of an error with its details."""
    problem = problem_type_of(error)
    retry_seconds = _retry_seconds(error, problem)
    info = error_details_pb2.ErrorInfo(
        reason=problem.name.upper().replace("-", "_"),
        domain=DOMAIN,
        metadata={
            "type": problem_urn(problem),
            "title": problem.title,
            "detail": problem.detail,
            "status": str(problem.status),
            "requestId": request_id,
        },
    )
    details: list[Message] = [info, error_details_pb2.RequestInfo(request_id=request_id)]
    violations = violations_of(error)
    if violations:
        details.append(_bad_request(violations, _omitted(error)))
    if retry_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.seconds = retry_seconds
        details.append(retry)
    return status_pb2.Status(
        code=status_of(error).value[0], message=_message(problem, violations), details=map(_packed, details)
    )


def stream_problem(error: errors.HousingPriceError, request_id: str, *, is_short: bool = False) -> price_pb2.Problem:
    """Make the error of one house of a stream; a short one has few violations and no long texts."""
    problem = problem_type_of(error)
    violations = violations_of(error, of_one="")
    max_characters = _SHORT_CHARACTERS if is_short else MAX_DESCRIPTION_CHARACTERS
    listed = violations[:_SHORT_VIOLATIONS] if is_short else violations
    omitted = len(violations) - len(listed) + _omitted(error)
    if omitted:
        listed = [*listed, Violation("", "too_many_errors", _omitted_text(omitted))]
    return price_pb2.Problem(
        type=problem_urn(problem),
        title=problem.title,
        detail="" if is_short else problem.detail,
        status=problem.status,
        code=status_of(error).value[0],
        request_id=request_id,
        retry_after_seconds=_retry_seconds(error, problem),
        violations=[
            price_pb2.FieldViolation(field=one.field, description=one.description[:max_characters], reason=one.reason)
            for one in listed
        ],
    )


@dataclass(frozen=True, slots=True)
class Violation:
    """An invalid field: its path in the request by the keys of JSON, the kind of error, and its description."""

    field: str
    reason: str
    description: str


def violations_of(error: Exception, *, of_one: str = "house") -> list[Violation]:
    """Return the invalid fields that an error names; `of_one` is the path of the house in a request with one."""
    findings = error.findings if isinstance(error, errors.InvalidDocument) else ()
    return [
        Violation(_path(finding["loc"], of_one), finding["type"], str(finding["msg"])[:MAX_DESCRIPTION_CHARACTERS])
        for finding in findings
    ]


def _path(loc: Sequence[int | str], of_one: str) -> str:
    """Return `house.lotArea` for `("body", "lotArea")`; `houses[3].lotArea` for `("body", "data", 3, "lotArea")`."""
    place, *parts = loc
    if place != "body":
        return f"metadata.{str(parts[0]).lower()}" if parts else str(place)
    head = of_one
    if parts[:1] == ["data"]:
        head = f"houses[{parts[1]}]" if parts[1:] else "houses"
        parts = parts[2:]
    return ".".join([head] * bool(head) + [str(part)[:MAX_FIELD_CHARACTERS] for part in parts])


def _bad_request(violations: Sequence[Violation], omitted: int) -> error_details_pb2.BadRequest:
    """List as many violations as fit, and count the others."""
    message = error_details_pb2.BadRequest()
    for index, one in enumerate(violations):
        added = message.field_violations.add(field=one.field, reason=one.reason.upper(), description=one.description)
        if message.ByteSize() > MAX_VIOLATIONS_BYTES:
            message.field_violations.remove(added)
            omitted += len(violations) - index
            break
    if omitted:
        message.field_violations.add(description=_omitted_text(omitted), reason="TOO_MANY_ERRORS")
    return message


def _omitted(error: Exception) -> int:
    return error.omitted if isinstance(error, errors.InvalidDocument) else 0


def _omitted_text(omitted: int) -> str:
    return f"{omitted} more errors are not listed"


def _retry_seconds(error: Exception, problem: ProblemType) -> int | None:
    if isinstance(error, errors.RateLimitExceeded):
        return retry_after_seconds(error.quotas)
    return problem.retry_after_seconds


def _message(problem: ProblemType, violations: Sequence[Violation]) -> str:
    """Make the text that most clients show: the title, and the first violation or the detail."""
    detail = problem.detail
    if violations:
        first = violations[0]
        detail = f"{first.field}: {first.description}" if first.field else first.description
        if len(violations) > 1:
            detail = f"{len(violations)} violations; the first: {detail}"
    return f"{problem.title}. {detail}"[:MAX_TEXT_CHARACTERS]


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
