"""The composition root: creates the application from its settings."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from housing_price_orchestrator import __version__
from housing_price_orchestrator.composition.access import ComposedAccess
from housing_price_orchestrator.composition.grpc_server import GRPC_PORT, open_grpc
from housing_price_orchestrator.composition.jobs import open_jobs, upload_limits
from housing_price_orchestrator.composition.memory import rare_garbage_collection, retain_freed_memory
from housing_price_orchestrator.composition.store import ComposedStore
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.interface.documents import streamed_houses
from housing_price_orchestrator.interface.documents.limits import BodyLimits
from housing_price_orchestrator.interface.documents.stream_gate import StreamGate
from housing_price_orchestrator.interface.edge.browser_protection import BrowserProtection
from housing_price_orchestrator.interface.edge.cors import cors_options
from housing_price_orchestrator.interface.edge.forwarded import ForwardedHeaders
from housing_price_orchestrator.interface.edge.hosts import ServedHosts
from housing_price_orchestrator.interface.middleware import RequestMiddleware
from housing_price_orchestrator.interface.openapi import information
from housing_price_orchestrator.interface.openapi.application import DescribedAPI
from housing_price_orchestrator.interface.operations import (
    actuals,
    docs,
    estimate,
    health,
    jobs,
    models,
    predictions,
    price,
    scoring,
    valuation,
    vocabulary,
)
from housing_price_orchestrator.interface.operations import metrics as metrics_page
from housing_price_orchestrator.interface.page.routes import add_page
from housing_price_orchestrator.interface.services import SERVICES, Services
from housing_price_orchestrator.observability.exposition import metrics_document
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.drift_file import DriftFile
from housing_price_orchestrator.server.connection import READINESS
from housing_price_orchestrator.server.stopping import delay_stop_signals
from housing_price_orchestrator.service.estimate.estimates import Estimates
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.service.valuation.valuations import Valuations
from housing_price_orchestrator.settings import Settings, list_settings
from housing_price_orchestrator.settings.base import without_credentials
from housing_price_orchestrator.shared.view.model import OperatorTools
from housing_price_orchestrator.shared.view.valuation import MAX_VALUED_HOUSES
from housing_price_orchestrator.upstream.canary_aborts import CanaryAborts
from housing_price_orchestrator.upstream.comparables import open_comparables
from housing_price_orchestrator.upstream.open import open_routes, open_upstream
from housing_price_orchestrator.upstream.routing_state import UpstreamRouting
from housing_price_orchestrator.upstream.shadow import ComposedShadow
from housing_price_orchestrator.upstream.swap import Upstream


def create_app(settings: Settings) -> DescribedAPI:
    """Create the application. Its lifespan opens and closes every long-lived resource.

    Raises:
        InvalidSettings: a file or a package that the settings name cannot be used.
    """
    callers = ComposedAccess(settings)
    telemetry = ComposedTelemetry(settings)
    store = ComposedStore(settings)
    shadow = ComposedShadow(settings, store, telemetry.metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            file = await open_routes(settings)
            upstream = await open_upstream(settings, stack, telemetry, file)
            comparables = await open_comparables(settings, stack, telemetry, upstream.served_models)
            readiness = Readiness(upstream.probe, () if comparables is None else (comparables.probe,))
            routing = UpstreamRouting(upstream, file, comparables)
            if telemetry.metrics is not None:
                routing.register_metrics(telemetry.metrics)
            await stack.enter_async_context(callers.running())
            exposition = await stack.enter_async_context(telemetry.running(readiness=readiness))
            # Closes before the metrics, which report how it closed.
            await stack.enter_async_context(store.running(telemetry.metrics))
            # Closes before the store, into which it writes.
            await stack.enter_async_context(shadow.following(upstream))
            job_service = await open_jobs(settings, stack, telemetry.metrics)
            if job_service is not None:
                await stack.enter_async_context(CanaryAborts(job_service, upstream).running())
            services = Services(
                access=callers.access,
                pricing=upstream.pricing,
                input_warnings=upstream.input_warnings,
                comparables=comparables,
                valuations=Valuations(
                    upstream.pricing,
                    comparables,
                    typical_house=TYPICAL_HOUSE,
                    deadline_seconds=settings.requests.deadline_seconds,
                    metrics=telemetry.metrics,
                ),
                estimates=Estimates(upstream.pricing, comparables, deadline_seconds=settings.requests.deadline_seconds),
                transactions=store.transactions,
                history=store.history,
                jobs=job_service,
                routing=routing,
                registry_pages=settings.model_server.registry_pages,
                operator_tools=_operator_tools(settings),
                drift_checks=DriftFile(settings.drift.file),
                readiness=readiness,
                exposition=exposition,
                request_metrics=telemetry.requests,
                stream_gate=_stream_gate(upstream),
                body_limits=_body_limits(settings),
                upload_limits=upload_limits(settings),
            )
            retain_freed_memory()
            stack.enter_context(rare_garbage_collection())
            # Closes first, so that calls in progress can finish.
            grpc_port = await open_grpc(settings, services, telemetry.tracer, stack)
            with delay_stop_signals(readiness, notice_seconds=settings.server.stop_notice_seconds):
                # The state that the server passes to every connection.
                yield {SERVICES: services, READINESS: readiness, GRPC_PORT: grpc_port}

    app = DescribedAPI(
        title=information.TITLE,
        version=__version__,
        description=information.DESCRIPTION,
        contact=information.contact_of(settings.docs.contact),
        license_info=information.LICENSE,
        openapi_tags=information.TAGS,
        servers=[_own_server(settings)],
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.docs.enabled else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        is_open=callers.access is None or callers.access.is_open,
        telemetry=telemetry.fastapi_config,
    )
    _add_operations(app, settings, telemetry)
    _add_middleware(app, settings, telemetry)
    return app


def _operator_tools(settings: Settings) -> OperatorTools:
    grafana = settings.page.grafana_url
    return OperatorTools(
        mlflow=settings.model_server.registry_home, grafana=None if grafana is None else without_credentials(grafana)
    )


def _stream_gate(upstream: Upstream) -> StreamGate:
    return StreamGate(
        max_blocks=streamed_houses.MAX_CONCURRENT_BLOCKS,
        affordable_blocks=lambda: (
            upstream.coalescing.large_rows_within(streamed_houses.MAX_BACKLOG_SECONDS)
            / streamed_houses.MAX_HOUSES_PER_BLOCK
        ),
    )


def _body_limits(settings: Settings) -> BodyLimits:
    requests = settings.requests
    return BodyLimits(
        predict_bytes=requests.max_predict_bytes,
        batch_bytes=requests.max_batch_bytes,
        valuation_batch_bytes=min(requests.max_batch_bytes, MAX_VALUED_HOUSES * requests.max_predict_bytes),
        body_seconds=requests.max_body_seconds,
        line_bytes=requests.max_line_bytes,
        idle_seconds=requests.stream_idle_seconds,
    )


def _add_operations(app: DescribedAPI, settings: Settings, telemetry: ComposedTelemetry) -> None:
    # Adds the routes directly: FastAPI matches an included router before its routes, on each request, and then runs its
    # own request handling instead of that of a `BytesRoute`. With `include_router` a worker serves 5 to 9 % fewer
    # single houses over 128 connections (30 November 2026).
    app.router.routes.extend(price.router.routes)
    app.router.routes.extend(valuation.router.routes)
    app.router.routes.extend(estimate.router.routes)
    app.include_router(actuals.router)
    app.include_router(predictions.router)
    app.include_router(scoring.router)
    app.include_router(jobs.submissions)
    app.include_router(jobs.router)
    app.include_router(models.router)
    app.include_router(models.moves)
    app.include_router(vocabulary.router)
    if settings.page.enabled and settings.docs.enabled:
        add_page(app)
    app.include_router(health.router)
    if settings.docs.enabled:
        docs.add_docs(app)
    if telemetry.metrics is not None:
        app.include_router(metrics_page.router)


def _add_middleware(app: FastAPI, settings: Settings, telemetry: ComposedTelemetry) -> None:
    """Add the configured middleware, innermost first. Features that are off add none."""
    server = settings.server
    app.add_middleware(BrowserProtection, hosts=_served_hosts(settings), allowed_origins=settings.cors.allowed_origins)
    app.add_middleware(RequestMiddleware, metrics=telemetry.requests, is_traced=telemetry.tracer is not None)
    if settings.cors.allowed_origins:
        # Outside the others, so that browsers can read every response, including those to unexpected errors.
        app.add_middleware(CORSMiddleware, **cors_options(settings.cors.allowed_origins))
    if server.trusted_proxies or server.path_prefix:
        app.add_middleware(ForwardedHeaders, trusted_proxies=server.trusted_proxies, path_prefix=server.path_prefix)


def _served_hosts(settings: Settings) -> ServedHosts | None:
    """Return the hosts that are served; None if all are.

    Without authentication, a page whose host name leads here (DNS rebinding) could do all that its visitor can do.
    """
    server = settings.server
    if settings.authenticates_callers:
        return ServedHosts(server.trusted_hosts) if server.trusted_hosts else None
    return ServedHosts((*server.trusted_hosts, *server.own_hosts), includes_loopback=True)


def _own_server(settings: Settings) -> dict[str, str]:
    """Return the address of this service on its own machine, for a document that is read from a file."""
    server = settings.server
    scheme = "http" if settings.tls.cert_file is None else "https"
    host = f"[{server.host}]" if ":" in server.host else server.host
    return {"url": f"{scheme}://{host}:{server.port}", "description": "This service, on its own machine"}


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the application with default settings."""
    return create_app(Settings()).openapi()


def describe_metrics() -> str:
    """Return the content of docs/metrics.md."""
    return metrics_document(Metrics())


def describe_settings() -> str:
    """Return the table of all settings, in Markdown."""
    rows = [f"| `{variable}` | `{default}` | {meaning} |" for variable, default, meaning in list_settings()]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows]).replace("``", "")
