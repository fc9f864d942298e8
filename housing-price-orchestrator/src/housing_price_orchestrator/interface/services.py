"""The services and limits that operations use."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request

from housing_price_orchestrator.interface.documents.limits import BodyLimits
from housing_price_orchestrator.interface.documents.stream_gate import StreamGate
from housing_price_orchestrator.interface.documents.upload import UploadLimits
from housing_price_orchestrator.observability.exposition import Exposition
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.service.access import Access
from housing_price_orchestrator.service.estimate.estimates import Estimates
from housing_price_orchestrator.service.history import History
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.service.valuation.valuations import Valuations
from housing_price_orchestrator.shared.errors import JobsOff
from housing_price_orchestrator.shared.ports import ComparablesModel, DriftChecks
from housing_price_orchestrator.shared.routing import Routing
from housing_price_orchestrator.shared.view.model import OperatorTools

SERVICES: Final = "services"
"""Key of the services in the state that the lifespan passes to every request."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything long-lived that operations use. The lifespan of the application makes it."""

    access: Access | None
    """Authentication and rate limits; None if both are off."""
    pricing: Pricing
    input_warnings: InputWarnings
    comparables: ComparablesModel | None
    """Finds comparable sales; None if no comparables server is configured."""
    valuations: Valuations
    estimates: Estimates
    transactions: Transactions
    history: History
    jobs: Jobs | None
    """None if jobs are off."""
    routing: Routing
    registry_pages: str | None
    """The start of the address of a version's page in the model registry; its number follows. None if unknown."""
    operator_tools: OperatorTools
    drift_checks: DriftChecks
    readiness: Readiness
    exposition: Exposition | None
    """The metrics page; None if metrics are off."""
    request_metrics: RequestMetrics | None
    """None if metrics are off."""
    stream_gate: StreamGate
    body_limits: BodyLimits
    upload_limits: UploadLimits

    @property
    def enabled_jobs(self) -> Jobs:
        """The job service.

        Raises:
            JobsOff: Jobs are off.
        """
        if self.jobs is None:
            raise JobsOff
        return self.jobs


def services_of(request: Request) -> Services:
    """Return the services of the application that handles the request."""
    services: Services = request.scope["state"][SERVICES]
    return services


def record_of(request: Request) -> RequestRecord:
    """Return the record of the request for the log and the metrics."""
    record: RequestRecord = request.scope["state"]["record"]
    return record


# A coroutine, because FastAPI runs plain functions in a thread.
async def _services(request: Request) -> Services:
    return services_of(request)


type ServicesDep = Annotated[Services, Depends(_services)]
