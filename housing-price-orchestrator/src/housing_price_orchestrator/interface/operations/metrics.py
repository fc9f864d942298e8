"""The metrics endpoint for Prometheus."""

from typing import Final

from fastapi import APIRouter, Request, Response

from housing_price_orchestrator.interface.services import services_of

METRICS_PATH: Final = "/metrics"

router = APIRouter(tags=["service"])


@router.get(
    METRICS_PATH,
    summary="Metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {"description": "The metrics of all workers in the Prometheus format.", "content": {"text/plain": {}}}
    },
)
async def metrics(request: Request) -> Response:
    """Return all metrics of the service; `docs/metrics.md` describes each."""
    exposition = services_of(request).exposition
    if exposition is None:
        raise RuntimeError("this operation exists only if metrics are on")
    page, media_type = exposition.page(request.headers.get("accept", ""))
    return Response(page, headers={"content-type": media_type})
