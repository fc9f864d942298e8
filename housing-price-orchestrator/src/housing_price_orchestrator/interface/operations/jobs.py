"""The operations under `/api/v1/jobs`, except those that submit files (`scoring.py`)."""

from pathlib import Path as FilePath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.documents.body import JSON, NDJSON
from housing_price_orchestrator.interface.documents.file_response import JobFileResponse
from housing_price_orchestrator.interface.openapi.bodies import content_of, file_responses
from housing_price_orchestrator.interface.openapi.problem_examples import invalid_body, invalid_parameter
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_jobs, errors_of_orders
from housing_price_orchestrator.interface.openapi.views import reference_to
from housing_price_orchestrator.interface.operations.jobs_openapi import submission
from housing_price_orchestrator.interface.operations.orders import (
    JOBS_PATH,
    accepted_response,
    idempotency_key_of,
    job_caller_of,
    read_order,
)
from housing_price_orchestrator.interface.operations.scoring import FORMAT_OF_MEDIA_TYPE, MEDIA_TYPE_OF_FORMAT
from housing_price_orchestrator.interface.services import ServicesDep, services_of
from housing_price_orchestrator.shared.errors import JobFinished, JobHasNoResult, JobNotFound, RangeNotSatisfiable
from housing_price_orchestrator.shared.jobs import JobCaller
from housing_price_orchestrator.shared.view.job import JobDocument, JobId, JobPage
from housing_price_orchestrator.shared.view.job_report import REPORTS
from housing_price_platform.orders.training import TrainingOrder

PageSize = Annotated[int, Field(ge=1, le=200)]

_INVALID_ID: Final = invalid_parameter(JobId, "path", "id", "17")
_INVALID_LIMIT: Final = invalid_parameter(PageSize, "query", "limit", "1000")
_ERRORS_OF_FILES: Final = errors_of_jobs(_INVALID_ID, JobNotFound, JobHasNoResult, RangeNotSatisfiable)

_REPORT: Final = {"oneOf": [reference_to(report) for report in REPORTS]}

submissions = APIRouter(prefix=JOBS_PATH, tags=["jobs"], route_class=BytesRoute, dependencies=[require_scope("jobs")])
router = APIRouter(prefix=JOBS_PATH, tags=["jobs"], dependencies=[require_scope("jobs", "admin")])


type CallerDep = Annotated[JobCaller, Depends(job_caller_of)]
type JobIdPath = Annotated[JobId, Path(alias="id", description="The job's id.")]


@submissions.post(
    "/training",
    status_code=202,
    summary="Train a model",
    operation_id="submitTraining",
    response_model=JobDocument,
    responses=errors_of_orders(invalid_body(TrainingOrder, {"seed": -1})),
    openapi_extra=submission(
        {JSON: content_of(reference_to(TrainingOrder), {"source": "bundled", "seed": 1})}, required=False
    ),
)
async def submit_training(request: Request) -> Response:
    """Start a job that trains a model and compares it with the champion.

    A model that passes the evaluation gate is registered as a challenger.
    """
    key = idempotency_key_of(request)
    order = await read_order(request, TrainingOrder)
    caller = await job_caller_of(request)
    job = await services_of(request).enabled_jobs.submit_training(
        order.model_dump(mode="json"), caller=caller, idempotency_key=key
    )
    return accepted_response(request, job)


@router.get("", summary="List jobs", operation_id="listJobs", responses=errors_of_jobs(_INVALID_LIMIT))
async def list_jobs(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[PageSize, Query(description="Maximum number of jobs.")] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Number of jobs to skip.")] = 0,
) -> JobPage:
    """List your jobs, newest first.

    The scope `jobs` shows your own scoring and training jobs. The scope `admin` shows all moves of model versions, and
    with `jobs` the jobs of all callers.
    """
    # One more than the limit shows whether there is another page.
    found = await services.enabled_jobs.page(caller, limit=limit + 1, offset=offset)
    next_offset = offset + limit if len(found) > limit else None
    return JobPage.model_validate({"jobs": [JobDocument.of(job) for job in found[:limit]], "nextOffset": next_offset})


@router.get("/{id}", summary="Get a job", operation_id="getJob", responses=errors_of_jobs(_INVALID_ID, JobNotFound))
async def get_job(services: ServicesDep, caller: CallerDep, job_id: JobIdPath) -> JobDocument:
    """Return the state and progress of a job."""
    return JobDocument.of(await services.enabled_jobs.find(job_id, caller))


@router.delete(
    "/{id}",
    summary="Cancel a job",
    operation_id="cancelJob",
    responses=errors_of_jobs(_INVALID_ID, JobNotFound, JobFinished),
)
async def cancel_job(services: ServicesDep, caller: CallerDep, job_id: JobIdPath) -> JobDocument:
    """Cancel a job that has not finished. Cancelling a cancelled job again has no effect."""
    return JobDocument.of(await services.enabled_jobs.cancel(job_id, caller))


@router.get(
    "/{id}/result",
    summary="Download the result of a job",
    operation_id="getJobResult",
    response_class=Response,
    responses={
        **file_responses(*FORMAT_OF_MEDIA_TYPE, report=_REPORT),
        **_ERRORS_OF_FILES,
    },
)
async def get_result(services: ServicesDep, caller: CallerDep, job_id: JobIdPath) -> Response:
    """Return the prices in the format of the uploaded file.

    For files in a store, for trainings and for moves of model versions, return a report as JSON.
    """
    result = await services.enabled_jobs.result_of(job_id, caller)
    if not isinstance(result, FilePath):
        return JSONResponse(dict(result))
    return JobFileResponse(result, media_type=MEDIA_TYPE_OF_FORMAT[result.suffix[1:]], filename=result.name)


@router.get(
    "/{id}/refused",
    summary="Download the refused rows of a job",
    operation_id="getJobRefused",
    response_class=Response,
    responses={**file_responses(NDJSON), **_ERRORS_OF_FILES},
)
async def get_refused(services: ServicesDep, caller: CallerDep, job_id: JobIdPath) -> Response:
    """Return one JSON line per row without a price: its row number, from 1, and its errors."""
    path = await services.enabled_jobs.refused_rows_of(job_id, caller)
    return JobFileResponse(path, media_type=NDJSON, filename=path.name)
