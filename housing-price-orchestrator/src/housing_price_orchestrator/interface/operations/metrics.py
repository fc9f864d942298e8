"""What Prometheus reads."""

from fastapi import APIRouter, Request, Response

from housing_price_orchestrator.interface.dependencies import exposition_of

METRICS_PATH = "/metrics"

router = APIRouter(tags=["service"])


@router.get(
    METRICS_PATH,
    summary="What has been counted?",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {"description": "The metrics of all workers, as Prometheus reads them.", "content": {"text/plain": {}}}
    },
)
async def metrics(request: Request) -> Response:
    """Give every metric of the service; docs/metrics.md says what each means."""
    page, media_type = exposition_of(request).page(request.headers.get("accept", ""))
    return Response(page, headers={"content-type": media_type})
