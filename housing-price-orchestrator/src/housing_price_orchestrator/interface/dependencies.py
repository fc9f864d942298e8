"""Getters for the services that endpoints use, with aliases for FastAPI's dependency injection.

Getters that FastAPI calls are coroutines, because FastAPI runs plain functions in a thread.
"""

from typing import Annotated

from fastapi import Depends, Request

from housing_price_orchestrator.interface.documents.limits import BodyLimits
from housing_price_orchestrator.interface.documents.stream_gate import StreamGate
from housing_price_orchestrator.interface.documents.upload import UploadLimits
from housing_price_orchestrator.observability.exposition import Exposition
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.service.access import Access
from housing_price_orchestrator.service.history import History
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.shared.access import Caller
from housing_price_orchestrator.shared.errors import JobsOff
from housing_price_orchestrator.shared.routing import Routing
from housing_price_orchestrator.shared.timers import Timers

CALLER = "caller"
"""Key of the authenticated caller in the state of a request."""


def access_of(request: Request) -> Access | None:
    """Return the access control; None if it is off."""
    access: Access | None = request.app.state.access
    return access


def caller_of(request: Request) -> Caller | None:
    """Return the authenticated caller; None if access control is off."""
    caller: Caller | None = request.scope["state"].get(CALLER)
    return caller


def jobs_of(request: Request) -> Jobs:
    """Return the job service.

    Raises:
        JobsOff: Jobs are not enabled.
    """
    jobs: Jobs | None = request.app.state.jobs
    if jobs is None:
        raise JobsOff
    return jobs


def upload_limits_of(request: Request) -> UploadLimits:
    """Return the limits of uploaded job files."""
    limits: UploadLimits = request.app.state.upload_limits
    return limits


def routing_of(request: Request) -> Routing:
    """Return the state of routing between model versions."""
    routing: Routing = request.app.state.routing
    return routing


def pricing_of(request: Request) -> Pricing:
    """Return the pricing service."""
    pricing: Pricing = request.app.state.pricing
    return pricing


def transactions_of(request: Request) -> Transactions:
    """Return the service that assigns transaction ids and logs predictions."""
    transactions: Transactions = request.app.state.transactions
    return transactions


def history_of(request: Request) -> History:
    """Return the service that queries the prediction log."""
    history: History = request.app.state.history
    return history


def stream_gate_of(request: Request) -> StreamGate:
    """Return the gate that limits how many blocks of all streams are priced concurrently."""
    gate: StreamGate = request.app.state.stream_gate
    return gate


def timers_of(request: Request) -> Timers:
    """Return the shared timers."""
    timers: Timers = request.app.state.timers
    return timers


def limits_of(request: Request) -> BodyLimits:
    """Return the limits of request bodies."""
    limits: BodyLimits = request.app.state.limits
    return limits


def record_of(request: Request) -> RequestRecord:
    """Return the record of the request for the log and the metrics."""
    record: RequestRecord = request.scope["state"]["record"]
    return record


def request_metrics_of(request: Request) -> RequestMetrics | None:
    """Return the metrics of requests; None if metrics are off."""
    metrics: RequestMetrics | None = request.app.state.request_metrics
    return metrics


def exposition_of(request: Request) -> Exposition:
    """Return the exposition of metrics for Prometheus."""
    exposition: Exposition = request.app.state.exposition
    return exposition


async def _history(request: Request) -> History:
    return history_of(request)


type HistoryDep = Annotated[History, Depends(_history)]


async def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


type ReadinessDep = Annotated[Readiness, Depends(_readiness)]
