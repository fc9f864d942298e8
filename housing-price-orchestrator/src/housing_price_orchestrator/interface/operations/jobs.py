"""The operations under `/api/v1/jobs`."""

import json
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field, TypeAdapter, ValidationError

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.dependencies import caller_of, jobs_of, limits_of, upload_limits_of
from housing_price_orchestrator.interface.documents.body import JSON, NDJSON, read_body
from housing_price_orchestrator.interface.documents.upload import body_parts
from housing_price_orchestrator.interface.operations.jobs_openapi import (
    answers_of_jobs,
    file_answer,
    submission,
)
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.errors import InvalidDocument, UnsupportedMediaType
from housing_price_orchestrator.shared.jobs import Job, JobCaller
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.job import JobDocument, JobId, JobPage, ScoringOrder, TrainingOrder

PREFIX = "/api/v1/jobs"
PARQUET = "application/vnd.apache.parquet"
FORMAT_OF_MEDIA_TYPE = {"text/csv": "csv", NDJSON: "ndjson", PARQUET: "parquet"}
"""The kinds of files that are priced."""
MEDIA_TYPE_OF_FORMAT = {name: media_type for media_type, name in FORMAT_OF_MEDIA_TYPE.items()}
IDEMPOTENCY_HEADER = "Idempotency-Key"

_KEY = TypeAdapter[str](Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")])

_EXAMPLE_ORDER = {"input": "s3://houses/june.csv", "output": "s3://houses/june-prices.parquet"}
_AS_LINE = json.dumps(EXAMPLE_DOCUMENT) + "\n"
_AS_CSV = "".join(
    ",".join("" if cell is None else str(cell) for cell in row) + "\n"
    for row in (EXAMPLE_DOCUMENT.keys(), EXAMPLE_DOCUMENT.values())
)

submissions = APIRouter(prefix=PREFIX, tags=["jobs"], route_class=BytesRoute, dependencies=[require_scope("jobs")])
router = APIRouter(prefix=PREFIX, tags=["jobs"], dependencies=[require_scope("jobs")])


async def _jobs(request: Request) -> Jobs:
    return jobs_of(request)


async def _caller(request: Request) -> JobCaller:
    caller = caller_of(request)
    if caller is None:
        return JobCaller("", sees_all=True)
    return JobCaller(caller.id, sees_all="admin" in caller.scopes)


type JobsDep = Annotated[Jobs, Depends(_jobs)]
type CallerDep = Annotated[JobCaller, Depends(_caller)]
type JobIdPath = Annotated[JobId, Path(alias="id", description="The job's id.")]


@submissions.post(
    "/scoring",
    status_code=202,
    summary="Price a file",
    operation_id="submitScoring",
    response_model=JobDocument,
    responses=answers_of_jobs(408, 413, 415, 422, 507),
    openapi_extra=submission(
        {
            "text/csv": ("A header of the keys of `House`, and a house per line; an empty cell is null.", _AS_CSV),
            NDJSON: ("A `House` per line.", _AS_LINE),
            JSON: (ScoringOrder, _EXAMPLE_ORDER),
            PARQUET: ("Columns of the keys of `House`: whole numbers, floating-point numbers, text; flat.", None),
        },
        required=True,
    ),
)
async def submit_scoring(request: Request) -> Response:
    """Send a file of houses, or say where one is, and get a job that prices it: each row is priced or refused alone."""
    key = _idempotency_key(request)
    if _media_type_of(request) == JSON:
        return await _submit_scoring_in_stores(request, key)
    suffix = _format_of(request)
    parts = body_parts(request, upload_limits_of(request))
    caller = await _caller(request)
    job = await jobs_of(request).submit_scoring(parts, suffix=suffix, caller=caller, idempotency_key=key)
    return _accepted(job)


async def _submit_scoring_in_stores(request: Request, key: str | None) -> Response:
    order = await _read(request, ScoringOrder)
    caller = await _caller(request)
    job = await jobs_of(request).submit_scoring_in_stores(order.input, order.output, caller=caller, idempotency_key=key)
    return _accepted(job)


@submissions.post(
    "/training",
    status_code=202,
    summary="Train a model",
    operation_id="submitTraining",
    response_model=JobDocument,
    responses=answers_of_jobs(408, 413, 415, 422),
    openapi_extra=submission({"application/json": (TrainingOrder, {"source": "bundled", "seed": 1})}, required=False),
)
async def submit_training(request: Request) -> Response:
    """Have a model trained and compared with the champion; if it passes the gate, it is registered as challenger."""
    key = _idempotency_key(request)
    order = await _read(request, TrainingOrder)
    caller = await _caller(request)
    job = await jobs_of(request).submit_training(order.model_dump(), caller=caller, idempotency_key=key)
    return _accepted(job)


@router.get("", summary="List jobs", operation_id="listJobs", responses=answers_of_jobs(422))
async def list_jobs(
    jobs: JobsDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at the most.")] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="How many of the latest to leave out.")] = 0,
) -> JobPage:
    """List your jobs, the latest first; whoever has the scope `admin` sees those of all."""
    found = await jobs.page(caller, limit=limit + 1, offset=offset)
    following = offset + limit if len(found) > limit else None
    return JobPage.model_validate({"jobs": [JobDocument.of(job) for job in found[:limit]], "nextOffset": following})


@router.get("/{id}", summary="Follow a job", operation_id="getJob", responses=answers_of_jobs(404, 422))
async def get_job(jobs: JobsDep, caller: CallerDep, job_id: JobIdPath) -> JobDocument:
    """Tell where a job stands."""
    return JobDocument.of(await jobs.find(job_id, caller))


@router.delete("/{id}", summary="Cancel a job", operation_id="cancelJob", responses=answers_of_jobs(404, 409, 422))
async def cancel_job(jobs: JobsDep, caller: CallerDep, job_id: JobIdPath) -> JobDocument:
    """End a job that has not finished; one that was cancelled before stays so."""
    return JobDocument.of(await jobs.cancel(job_id, caller))


@router.get(
    "/{id}/result",
    summary="Collect the result",
    operation_id="getJobResult",
    response_class=Response,
    responses={200: file_answer(*FORMAT_OF_MEDIA_TYPE, "application/json"), **answers_of_jobs(404, 409, 422)},
)
async def get_result(jobs: JobsDep, caller: CallerDep, job_id: JobIdPath) -> Response:
    """Give the file of prices, of the kind that was sent; of a training, or where the file is in a store, a report."""
    result = await jobs.result_of(job_id, caller)
    if not isinstance(result, FilePath):
        return JSONResponse(dict(result))
    return FileResponse(result, media_type=MEDIA_TYPE_OF_FORMAT[result.suffix[1:]], filename=result.name)


@router.get(
    "/{id}/refused",
    summary="Collect the rows that were refused",
    operation_id="getJobRefused",
    response_class=Response,
    responses={200: file_answer(NDJSON), **answers_of_jobs(404, 409, 422)},
)
async def get_refused(jobs: JobsDep, caller: CallerDep, job_id: JobIdPath) -> Response:
    """Give each row without a price: its number, from 1, and what is wrong with it."""
    path = await jobs.refused_by(job_id, caller)
    return FileResponse(path, media_type=NDJSON, filename=path.name)


async def _read[Order: View](request: Request, kind: type[Order]) -> Order:
    limits = limits_of(request)
    body = await read_body(request, limit_bytes=limits.predict_bytes, limit_seconds=limits.body_seconds)
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        findings = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise InvalidDocument(findings) from error


def _accepted(job: Job) -> Response:
    document = JobDocument.of(job).model_dump_json()
    return Response(document, 202, {"location": f"{PREFIX}/{job.id}"}, "application/json")


def _format_of(request: Request) -> str:
    media_type = _media_type_of(request)
    is_plain = request.headers.get("content-encoding", "identity").lower() == "identity"
    if media_type not in FORMAT_OF_MEDIA_TYPE or not is_plain:
        raise UnsupportedMediaType(" or ".join((*FORMAT_OF_MEDIA_TYPE, JSON)))
    return FORMAT_OF_MEDIA_TYPE[media_type]


def _media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _idempotency_key(request: Request) -> str | None:
    value: Any = request.headers.get(IDEMPOTENCY_HEADER)
    if value is None:
        return None
    try:
        return _KEY.validate_python(value)
    except ValidationError as error:
        findings = error.errors(include_url=False)
        raise RequestValidationError([{**one, "loc": ("header", IDEMPOTENCY_HEADER)} for one in findings]) from error
