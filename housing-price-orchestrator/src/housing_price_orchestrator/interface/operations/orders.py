"""Shared parts of the operations that submit jobs: caller, request body, idempotency key and response."""

from typing import Annotated, Any, Final

from fastapi import Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from housing_price_orchestrator.interface.access import caller_of
from housing_price_orchestrator.interface.documents.body import read_body
from housing_price_orchestrator.interface.documents.strict_json import read_view
from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of
from housing_price_orchestrator.interface.findings import invalid_parameter
from housing_price_orchestrator.interface.services import services_of
from housing_price_orchestrator.shared.jobs import EVERYBODY, Job, JobCaller, JobKind
from housing_price_orchestrator.shared.view.job import JobDocument

JOBS_PATH: Final = "/api/v1/jobs"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"

IDEMPOTENCY_KEY: Final = TypeAdapter[str](
    Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
)


async def job_caller_of(request: Request) -> JobCaller:
    """Return the caller as the owner of jobs; without access control, everyone sees all jobs.

    A caller sees the kinds of jobs that its scopes allow it to submit.
    """
    caller = caller_of(request)
    if caller is None:
        return EVERYBODY
    is_admin = "admin" in caller.scopes
    kinds: set[JobKind] = {"lifecycle"} if is_admin else set()
    if "jobs" in caller.scopes:
        kinds |= {"scoring", "training"}
    return JobCaller(caller.id, frozenset(kinds), sees_all=is_admin)


async def read_order[Document: BaseModel](request: Request, kind: type[Document]) -> Document:
    """Read a request body of type `kind`; an empty body counts as `{}`.

    Raises:
        InvalidDocument: The body is invalid.
    """
    limits = services_of(request).body_limits
    body = await read_body(request, max_bytes=limits.predict_bytes, timeout_seconds=limits.body_seconds)
    return read_view(kind, body or b"{}")


def accepted_response(request: Request, job: Job) -> Response:
    """Make the 202 response for a submitted job."""
    document = JobDocument.of(job).model_dump_json()
    location = f"{path_prefix_of(request)}{JOBS_PATH}/{job.id}"
    return Response(document, 202, {"location": location}, "application/json")


def idempotency_key_of(request: Request) -> str | None:
    """Return the `Idempotency-Key`, None if the header is absent.

    Raises:
        RequestValidationError: The key is invalid.
    """
    value: Any = request.headers.get(IDEMPOTENCY_HEADER)
    if value is None:
        return None
    try:
        return IDEMPOTENCY_KEY.validate_python(value)
    except ValidationError as error:
        raise invalid_parameter(error, "header", IDEMPOTENCY_HEADER) from error
