"""The operations that submit files of houses: `/api/v1/jobs/scoring`, and one operation for each file format.

The operations of one format have a body of one type. Generators of clients make a usable function only of those: of
several types they choose one, or cannot tell files of different formats apart.
"""

import json
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from housing_price_orchestrator.interface.access import require_scope
from housing_price_orchestrator.interface.bytes_route import BytesRoute
from housing_price_orchestrator.interface.documents.body import JSON, NDJSON
from housing_price_orchestrator.interface.documents.upload import body_parts
from housing_price_orchestrator.interface.openapi.bodies import content_of, file_schema, lines_schema
from housing_price_orchestrator.interface.openapi.problem_examples import invalid_body, invalid_parameter
from housing_price_orchestrator.interface.openapi.problem_responses import errors_of_orders
from housing_price_orchestrator.interface.openapi.views import reference_to
from housing_price_orchestrator.interface.operations.jobs_openapi import submission
from housing_price_orchestrator.interface.operations.orders import (
    IDEMPOTENCY_HEADER,
    IDEMPOTENCY_KEY,
    JOBS_PATH,
    accepted_response,
    idempotency_key_of,
    job_caller_of,
    read_order,
)
from housing_price_orchestrator.interface.services import services_of
from housing_price_orchestrator.shared.errors import JobFilesFull, JobOutputTaken, UnsupportedMediaType
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.job import JobDocument, ScoringOrder

CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
FORMAT_OF_MEDIA_TYPE: Final = {CSV: "csv", NDJSON: "ndjson", PARQUET: "parquet"}
"""The supported file formats."""
MEDIA_TYPE_OF_FORMAT: Final = {name: media_type for media_type, name in FORMAT_OF_MEDIA_TYPE.items()}

_EXAMPLE_ORDER: Final = {"input": "s3://houses/june.csv", "output": "s3://houses/june-prices.parquet"}
_NAMES: Final = "Names are the keys of `House` or those of the survey (`MSSubClass`)."
_AS_LINE: Final = json.dumps(EXAMPLE_DOCUMENT) + "\n"
_AS_CSV: Final = "".join(
    ",".join("" if cell is None else str(cell) for cell in row) + "\n"
    for row in (EXAMPLE_DOCUMENT.keys(), EXAMPLE_DOCUMENT.values())
)
_DELIMITERS: Final = "commas, tabs or semicolons"
_CELLS: Final = "integers, decimals, floats or text"
_FILES: Final = {
    CSV: content_of(file_schema(CSV, f"A header, then one house per line; {_DELIMITERS}. {_NAMES}"), _AS_CSV),
    NDJSON: content_of(lines_schema(f"One house per line. {_NAMES}", House), _AS_LINE),
    PARQUET: content_of(file_schema(PARQUET, f"One column per feature: {_CELLS}; not nested. {_NAMES}")),
}
"""For each media type, the description of a file and an example."""
_INVALID_KEY: Final = invalid_parameter(IDEMPOTENCY_KEY, "header", IDEMPOTENCY_HEADER, "first try")

router = APIRouter(prefix=JOBS_PATH, tags=["jobs"], route_class=BytesRoute, dependencies=[require_scope("jobs")])


@router.post(
    "/scoring",
    status_code=202,
    summary="Price a file",
    operation_id="submitScoring",
    response_model=JobDocument,
    responses=errors_of_orders(
        invalid_body(ScoringOrder, {**_EXAMPLE_ORDER, "output": ""}),
        JobOutputTaken,
        JobFilesFull,
        media_types=(*FORMAT_OF_MEDIA_TYPE, JSON),
    ),
    openapi_extra=submission(
        {
            CSV: _FILES[CSV],
            NDJSON: _FILES[NDJSON],
            JSON: content_of(reference_to(ScoringOrder), _EXAMPLE_ORDER),
            PARQUET: _FILES[PARQUET],
        },
        required=True,
    ),
)
async def submit_scoring(request: Request) -> Response:
    """Start a job that prices a file of houses, either uploaded or read from a store.

    Each row is priced or refused independently of the others.
    """
    if _media_type_of(request) != JSON:
        return await _submit_file(request, *FORMAT_OF_MEDIA_TYPE, also=(JSON,))
    key = idempotency_key_of(request)
    order = await read_order(request, ScoringOrder)
    caller = await job_caller_of(request)
    job = await services_of(request).enabled_jobs.submit_scoring_in_stores(
        order.input, order.output, caller=caller, idempotency_key=key
    )
    return accepted_response(request, job)


def _of_one_format(media_type: str) -> dict[str, Any]:
    """Return the options of the operation that takes files of one format."""
    return {
        "status_code": 202,
        "response_model": JobDocument,
        "responses": errors_of_orders(_INVALID_KEY, JobFilesFull, media_types=(media_type,)),
        "openapi_extra": submission({media_type: _FILES[media_type]}, required=True),
    }


@router.post("/scoring/csv", summary="Price a CSV file", operation_id="submitScoringCsv", **_of_one_format(CSV))
async def submit_csv(request: Request) -> Response:
    """Start a job that prices an uploaded CSV file. Each row is priced or refused independently of the others."""
    return await _submit_file(request, CSV)


@router.post(
    "/scoring/ndjson", summary="Price an NDJSON file", operation_id="submitScoringNdjson", **_of_one_format(NDJSON)
)
async def submit_ndjson(request: Request) -> Response:
    """Start a job that prices an uploaded NDJSON file. Each line is priced or refused independently of the others."""
    return await _submit_file(request, NDJSON)


@router.post(
    "/scoring/parquet", summary="Price a Parquet file", operation_id="submitScoringParquet", **_of_one_format(PARQUET)
)
async def submit_parquet(request: Request) -> Response:
    """Start a job that prices an uploaded Parquet file. Each row is priced or refused independently of the others."""
    return await _submit_file(request, PARQUET)


async def _submit_file(request: Request, *media_types: str, also: tuple[str, ...] = ()) -> Response:
    """Submit the body as a file of one of the media types; an error names those and `also`.

    Raises:
        UnsupportedMediaType: The body has another type, or is compressed.
    """
    key = idempotency_key_of(request)
    media_type = _media_type_of(request)
    is_plain = request.headers.get("content-encoding", "identity").lower() == "identity"
    if media_type not in media_types or not is_plain:
        raise UnsupportedMediaType(*media_types, *also, is_declared="content-type" in request.headers)
    parts = body_parts(request, services_of(request).upload_limits)
    caller = await job_caller_of(request)
    job = await services_of(request).enabled_jobs.submit_scoring(
        parts, suffix=FORMAT_OF_MEDIA_TYPE[media_type], caller=caller, idempotency_key=key
    )
    return accepted_response(request, job)


def _media_type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
