"""The composition root: the only module that imports every layer and reads settings."""

import asyncio
import contextlib
import gc
import platform
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from housing_price_orchestrator import __version__
from housing_price_orchestrator.compose_access import ComposedAccess
from housing_price_orchestrator.interface import docs, health, ndjson, price
from housing_price_orchestrator.interface import metrics as metrics_page
from housing_price_orchestrator.interface.limits import BodyLimits
from housing_price_orchestrator.interface.middleware import RequestMiddleware
from housing_price_orchestrator.interface.openapi import DescribedAPI
from housing_price_orchestrator.interface.problems import on_error, on_http_exception, on_invalid_parameters
from housing_price_orchestrator.observability.exposition import Exposition, page_of
from housing_price_orchestrator.observability.logging import configure_logging
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.observability.worker_files import WorkerFiles
from housing_price_orchestrator.provider.balancing import BalancedPriceModel
from housing_price_orchestrator.provider.coalescing import CoalescingPriceModel
from housing_price_orchestrator.provider.counting import CountedCalls, CountedPrices
from housing_price_orchestrator.provider.deadline import DeadlinePriceModel
from housing_price_orchestrator.provider.key_file import KeyFileUnusable
from housing_price_orchestrator.provider.mlflow_client import client_for
from housing_price_orchestrator.provider.mlflow_price_model import READINESS_CALL_ID, MLflowPriceModel
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.settings import (
    PREFIX,
    InvalidSettings,
    Settings,
    described,
    hand_to_workers,
    load_settings,
)
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE

GRACE_SECONDS = 5
"""How long requests that are being answered may take to end when the process is told to stop."""

DESCRIPTION = """
Prices houses in Ames, Iowa. Send a house as readable JSON, get the price that it is expected to sell for, an interval
that holds the real price in nine of ten cases, and the model that made both.

A feature that is absent is `null` or left out. Unknown keys, unknown words and numbers in quotes are refused, by name.
"""


def create_app(settings: Settings) -> FastAPI:
    """Compose the application; its lifespan opens and closes everything long-lived.

    Raises:
        KeyFileUnusable: the file of keys cannot be used.
    """
    callers = ComposedAccess(settings)
    metrics = Metrics() if settings.metrics.enabled else None

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            upstream = settings.model_server
            servers, probes = [], []
            for address in upstream.base_url:
                client = client_for(
                    str(address),
                    timeout_seconds=settings.requests.deadline_seconds,
                    connect_timeout_seconds=upstream.connect_timeout_seconds,
                    # One more than the calls, for the question that readiness asks.
                    connections=upstream.max_calls * len(upstream.base_url) + 1,
                )
                await stack.enter_async_context(client)
                servers.append(MLflowPriceModel(client, model_name=upstream.model_name))
                probes.append(
                    MLflowPriceModel(client, model_name=upstream.model_name, new_call_id=lambda: READINESS_CALL_ID)
                )
            balanced: PriceModel = BalancedPriceModel(servers)
            coalesced = CoalescingPriceModel(
                balanced if metrics is None else CountedCalls(balanced, metrics),
                max_rows=upstream.max_rows_per_call,
                max_calls=upstream.max_calls * len(servers),
                max_waiting_rows=upstream.max_waiting_rows,
            )
            probe = settings.readiness
            readiness = Readiness(
                DeadlinePriceModel(BalancedPriceModel(probes), seconds=probe.probe_timeout_seconds),
                EXAMPLE_HOUSE,
                interval_seconds=probe.probe_interval_seconds,
                max_age_seconds=2 * (probe.probe_interval_seconds + probe.probe_timeout_seconds),
            )
            priced: PriceModel = DeadlinePriceModel(coalesced, seconds=settings.requests.deadline_seconds)
            app.state.pricing = Pricing(priced if metrics is None else CountedPrices(priced, metrics))
            app.state.readiness = readiness
            app.state.coalesced = coalesced
            asking = asyncio.create_task(readiness.keep_asking())
            stack.push_async_callback(_cancelled, asking)
            await stack.enter_async_context(callers.running())
            if metrics is not None:
                _read_from(metrics, coalesced, readiness)
                workers = None
                if settings.metrics.folder is not None:
                    workers = WorkerFiles(settings.metrics.folder)
                    stack.callback(workers.close)
                app.state.exposition = exposition = Exposition(metrics, workers)
                stack.callback(exposition.put_down)
                if workers is not None:
                    stack.push_async_callback(_cancelled, asyncio.create_task(exposition.keep_putting_down()))
            # What is here now stays: looking through it again and again for garbage makes single requests wait.
            gc.collect()
            gc.freeze()
            yield
            gc.unfreeze()

    app = DescribedAPI(
        title="House prices in Ames",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Nothing is exported yet, and asking so for each request costs as much as routing it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers={
            HousingPriceError: on_error,
            RequestValidationError: on_invalid_parameters,
            HTTPException: on_http_exception,
        },
    )
    app.state.access = callers.access
    app.state.stream_gate = asyncio.Semaphore(ndjson.BLOCKS_AT_A_TIME)
    app.state.limits = BodyLimits(
        predict_bytes=settings.requests.max_predict_bytes,
        batch_bytes=settings.requests.max_batch_bytes,
        body_seconds=settings.requests.max_body_seconds,
        line_bytes=settings.requests.max_line_bytes,
        idle_seconds=settings.requests.stream_idle_seconds,
    )
    # The routes themselves and not their router, which would be asked about each request first.
    app.router.routes.extend(price.router.routes)
    app.include_router(health.router)
    docs.add_docs(app)
    app.state.request_metrics = request_metrics = None if metrics is None else RequestMetrics(metrics)
    if metrics is not None:
        app.include_router(metrics_page.router)
    app.add_middleware(RequestMiddleware, metrics=request_metrics)
    return app


def _read_from(metrics: Metrics, coalesced: CoalescingPriceModel, readiness: Readiness) -> None:
    """Tell the metrics where to read what others know anyway."""
    metrics.calls_in_flight.read_from(lambda: [((), coalesced.calls)])
    metrics.waiting_requests.read_from(lambda: [((), coalesced.waiting)])
    metrics.waiting_rows.read_from(lambda: [((), coalesced.waiting_rows)])
    metrics.ready.read_from(lambda: [((), readiness.is_ready)])
    metrics.model_info.read_from(
        lambda: [((one.name, one.version, one.id), 1)] if (one := readiness.identity) is not None else []
    )
    metrics.workers.inc()
    metrics.build_info.labelled(__version__, platform.python_version()).inc()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def app_from_environment() -> FastAPI:
    """Make the application in a worker process of its own."""
    settings = load_settings()
    configure_logging(level=settings.log.level, style=settings.log.format)
    return create_app(settings)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def describe() -> dict[str, Any]:
    """Give the OpenAPI document of the application with its default settings."""
    return create_app(Settings()).openapi()


def describe_metrics() -> str:
    """Write docs/metrics.md."""
    return page_of(Metrics())


def describe_settings() -> str:
    """Write the table of all settings, in Markdown."""
    rows = [f"| `{variable}` | `{default}` | {meaning} |" for variable, default, meaning in described()]
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows]).replace("``", "")


def serve(*, host: str | None = None, port: int | None = None) -> None:
    """Serve until a signal says stop; `host` and `port` override the environment.

    Raises:
        InvalidSettings: the environment holds something that cannot be used.
    """
    settings = load_settings(host=host, port=port)
    configure_logging(level=settings.log.level, style=settings.log.format)
    try:
        app = create_app(settings)
    except KeyFileUnusable as error:
        raise InvalidSettings(f"{PREFIX}AUTH__KEYS_FILE: {error}") from error
    # uvicorn stops in order at a signal and then raises it again, which would end the process with an error.
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, _end)
    several = settings.server.workers > 1
    with contextlib.ExitStack() as stack:
        if several:
            folder = settings.metrics.folder or stack.enter_context(TemporaryDirectory(prefix="housing-price-metrics-"))
            hand_to_workers(settings, metrics_folder=Path(folder))
        uvicorn.run(
            f"{__name__}:{app_from_environment.__name__}" if several else app,
            factory=several,
            workers=settings.server.workers,
            host=settings.server.host,
            port=settings.server.port,
            http="httptools",
            loop="uvloop",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
