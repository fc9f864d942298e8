"""The error responses of operations, made from the table of errors.

The functions take classes of errors, which stand for their subclasses too, or an error that is the example itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from housing_price_orchestrator.interface.documents.body import JSON
from housing_price_orchestrator.interface.middleware import MONITORING_PATHS
from housing_price_orchestrator.interface.openapi import headers
from housing_price_orchestrator.interface.openapi.access import SCOPES_EXTENSION
from housing_price_orchestrator.interface.openapi.problem_examples import (
    EXAMPLES_REF,
    Kind,
    example_content,
    example_error,
    problem_content,
)
from housing_price_orchestrator.interface.openapi.views import InvalidRequest, Problem, reference_to
from housing_price_orchestrator.interface.problems import (
    INTERNAL_ERROR,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPES,
    ProblemType,
    problem_type_of,
)
from housing_price_orchestrator.shared import errors

type Responses = dict[int | str, dict[str, Any]]
type Content = Mapping[str, Mapping[str, Any]]
type Cause = Kind | errors.HousingPriceError

_OF_CONNECTIONS: Final[tuple[Kind, ...]] = (
    errors.RequestMalformed,
    errors.HeadTooSlow,
    errors.HeadTooLarge,
    errors.TooManyConnections,
)
_OF_ACCESS: Final[tuple[Kind, ...]] = (
    errors.CredentialsMissing,
    errors.CredentialsInvalid,
    errors.RateLimitExceeded,
    errors.IdentityProviderUnavailable,
)
_OF_BODIES: Final[tuple[Kind, ...]] = (errors.DocumentTooSlow, errors.DocumentTooLarge)
_OF_PRICES: Final[tuple[Kind, ...]] = (errors.QueueFull, errors.DeadlineExceeded, errors.ModelServerError)
_OF_LOG: Final[tuple[Kind, ...]] = (
    errors.ValueUnsupported,
    errors.PredictionLogOff,
    errors.PredictionLogUnavailable,
)
_OF_JOBS: Final[tuple[Kind, ...]] = (errors.ValueUnsupported, errors.JobsOff, errors.JobsUnavailable)

_SCHEMA_OF_MEDIA_TYPE: Final = {JSON: reference_to(InvalidRequest), PROBLEM_MEDIA_TYPE: reference_to(Problem)}


def errors_of_pricing(invalid: errors.InvalidDocument, *more: Cause) -> Responses:
    """Describe the errors of an operation that reads houses and asks for their prices; and `more`."""
    without_comparables = [kind for kind in _leaves(_OF_PRICES) if kind is not errors.ComparablesImplausible]
    return problem_responses(*_of_body(invalid, [JSON]), *without_comparables, *more)


def errors_of_streams(invalid: errors.InvalidDocument, media_type: str) -> Responses:
    """Describe the errors of an operation that answers while it reads its body: those that it finds before."""
    return problem_responses(errors.UnsupportedMediaType(media_type), invalid)


def errors_of_history(*causes: Cause) -> Responses:
    """Describe the errors of an operation on the prediction log, and `causes`."""
    return problem_responses(*causes, *_OF_LOG)


def errors_of_reports(invalid: errors.InvalidDocument) -> Responses:
    """Describe the errors of an operation that adds to the prediction log."""
    return problem_responses(*_of_body(invalid, [JSON]), *_OF_LOG)


def errors_of_orders(invalid: errors.InvalidDocument, *more: Cause, media_types: Sequence[str] = (JSON,)) -> Responses:
    """Describe the errors of an operation that submits a job; and `more`."""
    return problem_responses(*_of_body(invalid, media_types), errors.IdempotencyKeyReused, *_OF_JOBS, *more)


def errors_of_jobs(*causes: Cause) -> Responses:
    """Describe the errors of an operation on jobs, and `causes`."""
    return problem_responses(*causes, *_OF_JOBS)


def problem_responses(*causes: Cause) -> Responses:
    """Describe the responses to errors, by status."""
    responses: dict[str, dict[str, Any]] = {}
    _add(responses, causes)
    return {int(status): response for status, response in sorted(responses.items())}


def response_to(problem: ProblemType, **members: Any) -> Responses:
    """Describe the response to a problem without an exception, such as a failed check."""
    responses: dict[str, dict[str, Any]] = {}
    _add_content(responses, problem, problem_content(problem, **members))
    return {int(status): response for status, response in responses.items()}


def declare_common_errors(document: dict[str, Any]) -> None:
    """Add the errors that any operation, any operation that changes state, and any guarded operation can return."""
    internal_error = _reference(INTERNAL_ERROR, problem_content(INTERNAL_ERROR))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            causes: list[Cause] = list(_OF_CONNECTIONS)
            if path not in MONITORING_PATHS:
                causes.append(errors.HostNotServed)
            if method != "get":
                causes.append(errors.OriginRefused)
            if scopes := operation.get(SCOPES_EXTENSION):
                causes += (*_OF_ACCESS, errors.ScopeMissing("", scopes[0]))
            responses = operation["responses"]
            _add_content(responses, INTERNAL_ERROR, internal_error)
            _add(responses, causes)
            operation["responses"] = dict(sorted(responses.items()))


def add_shared_examples(document: dict[str, Any]) -> None:
    """Add the examples to which the responses refer."""
    referred = {
        name
        for operation in (operation for path in document["paths"].values() for operation in path.values())
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for name, example in content.get("examples", {}).items()
        if "$ref" in example
    }
    (internal_error,) = problem_content(INTERNAL_ERROR).values()
    examples: dict[str, Any] = {**internal_error["examples"]}
    for kind in _leaves([errors.HousingPriceError]):
        if PROBLEM_TYPES[kind].name in referred:
            for content in example_content(example_error(kind)).values():
                examples |= content["examples"]
    document["components"]["examples"] = dict(sorted(examples.items()))


def _of_body(invalid: errors.InvalidDocument, media_types: Sequence[str]) -> tuple[Cause, ...]:
    return (*_OF_BODIES, errors.UnsupportedMediaType(*media_types), invalid)


def _leaves(kinds: Iterable[Kind]) -> Iterator[Kind]:
    """Return the kinds of errors that have a status: those without subclasses."""
    for kind in kinds:
        if subclasses := kind.__subclasses__():
            yield from _leaves(subclasses)
        else:
            yield kind


def _add(responses: dict[str, dict[str, Any]], causes: Iterable[Cause]) -> None:
    """Add each error to the response of its status; what an operation says itself stays."""
    for cause in causes:
        if isinstance(cause, errors.HousingPriceError):
            _add_content(responses, problem_type_of(cause), example_content(cause))
            continue
        for kind in _leaves([cause]):
            error = example_error(kind)
            problem = problem_type_of(error)
            _add_content(responses, problem, _reference(problem, example_content(error)))


def _reference(problem: ProblemType, content: Iterable[str]) -> Content:
    """Return the content of a response, by media type, with a reference to the shared example."""
    shared = {problem.name: {"$ref": EXAMPLES_REF.format(name=problem.name)}}
    return {media_type: {"examples": shared} for media_type in content}


def _add_content(responses: dict[str, dict[str, Any]], problem: ProblemType, content: Content) -> None:
    response = responses.setdefault(str(problem.status), {"description": problem.title})
    if problem.title not in response["description"].split("; "):
        response["description"] += f"; {problem.title}"
    # Replaced and never changed: operations share these objects.
    contents = dict(response.get("content", {}))
    for media_type, added in content.items():
        examples = contents.get(media_type, {}).get("examples", {}) | added["examples"]
        contents[media_type] = {"schema": _SCHEMA_OF_MEDIA_TYPE[media_type], "examples": examples}
    response["content"] = contents
    if of_status := headers.OF_STATUS.get(problem.status):
        response["headers"] = {**response.get("headers", {}), **of_status}
