"""What endpoints ask for: one getter for each service, and an alias where FastAPI calls it.

The getters that FastAPI calls are coroutines because it hands plain functions to a thread.
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
"""What stands under this name in a request's state is the caller, once it is known."""


def access_of(request: Request) -> Access | None:
    """Get what knows callers; None where nobody is asked who they are."""
    access: Access | None = request.app.state.access
    return access


def caller_of(request: Request) -> Caller | None:
    """Get who asks; None where nobody is asked who they are."""
    caller: Caller | None = request.scope["state"].get(CALLER)
    return caller


def jobs_of(request: Request) -> Jobs:
    """Get the service of the jobs.

    Raises:
        JobsOff: there is none here.
    """
    jobs: Jobs | None = request.app.state.jobs
    if jobs is None:
        raise JobsOff
    return jobs


def upload_limits_of(request: Request) -> UploadLimits:
    """Get the limits of the files that come with jobs."""
    limits: UploadLimits = request.app.state.upload_limits
    return limits


def routing_of(request: Request) -> Routing:
    """Get what knows which versions answer."""
    routing: Routing = request.app.state.routing
    return routing


def pricing_of(request: Request) -> Pricing:
    """Get the service that prices houses."""
    pricing: Pricing = request.app.state.pricing
    return pricing


def transactions_of(request: Request) -> Transactions:
    """Get the service that gives prices their ids and writes them down."""
    transactions: Transactions = request.app.state.transactions
    return transactions


def history_of(request: Request) -> History:
    """Get the service that looks into the prediction log."""
    history: History = request.app.state.history
    return history


def stream_gate_of(request: Request) -> StreamGate:
    """Get what lets a bounded number of blocks of all streams through."""
    gate: StreamGate = request.app.state.stream_gate
    return gate


def timers_of(request: Request) -> Timers:
    """Get the timers of what nearly never comes."""
    timers: Timers = request.app.state.timers
    return timers


def limits_of(request: Request) -> BodyLimits:
    """Get the limits of the bodies."""
    limits: BodyLimits = request.app.state.limits
    return limits


def record_of(request: Request) -> RequestRecord:
    """Get what is known about the request."""
    record: RequestRecord = request.scope["state"]["record"]
    return record


def request_metrics_of(request: Request) -> RequestMetrics | None:
    """Get what counts requests; None where nothing is counted."""
    metrics: RequestMetrics | None = request.app.state.request_metrics
    return metrics


def exposition_of(request: Request) -> Exposition:
    """Get what gives the page of the metrics."""
    exposition: Exposition = request.app.state.exposition
    return exposition


async def _history(request: Request) -> History:
    return history_of(request)


type HistoryDep = Annotated[History, Depends(_history)]


async def _readiness(request: Request) -> Readiness:
    readiness: Readiness = request.app.state.readiness
    return readiness


type ReadinessDep = Annotated[Readiness, Depends(_readiness)]
