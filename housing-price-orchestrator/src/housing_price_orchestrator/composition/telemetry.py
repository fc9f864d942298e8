"""Composes metrics and tracing. Part of the composition root (`app.py`)."""

import contextlib
import platform
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry.sdk.trace import TracerProvider

from housing_price_orchestrator import __version__
from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.interface.middleware import MONITORING_PATHS
from housing_price_orchestrator.observability import tracing
from housing_price_orchestrator.observability.exposition import Exposition
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.process import register_process_metrics
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.observability.worker_files import WorkerFiles
from housing_price_orchestrator.provider.counting import CountedCalls, CountedPrices
from housing_price_orchestrator.provider.tracing import TracedCalls
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import Model, ModelKind, PriceModel


class ComposedTelemetry:
    """Metrics and tracing. Each is created only if it is enabled, so that it costs nothing otherwise."""

    def __init__(self, settings: Settings) -> None:
        """Compose metrics and tracing from `settings`; `running` opens threads and files."""
        self._endpoint = settings.tracing.endpoint
        self._is_grpc = settings.tracing.is_grpc
        self._folder = settings.metrics.folder
        self._provider: TracerProvider | None = None
        if self._endpoint is not None:
            self._provider = tracing.tracer_provider(settings.tracing.service_name, version=__version__)
        self.tracer = None if self._provider is None else self._provider.get_tracer(tracing.TRACER, __version__)
        self.metrics = Metrics() if settings.metrics.enabled else None
        self.requests = None if self.metrics is None else RequestMetrics(self.metrics)

    @property
    def fastapi_config(self) -> TelemetryConfig:
        """FastAPI's part: the spans of requests only. Metrics and logs are collected elsewhere."""
        off: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
        if self._provider is None:
            return off
        return off | {
            "tracing": True,
            "tracer_provider": self._provider,
            "operation_spans": False,
            "exclude": _is_monitoring_request,
        }

    def wrap_calls[Question, Answer](self, model: Model[Question, Answer], kind: ModelKind) -> Model[Question, Answer]:
        """Wrap a model to measure and trace the calls to its model servers."""
        if self.metrics is not None:
            model = CountedCalls(model, self.metrics, kind)
        return model if self.tracer is None else TracedCalls(model, self.tracer, kind)

    def wrap_prices(self, model: PriceModel) -> PriceModel:
        """Wrap a model to count the prices returned to callers."""
        return model if self.metrics is None else CountedPrices(model, self.metrics)

    @contextlib.asynccontextmanager
    async def running(self, *, readiness: Readiness) -> AsyncIterator[Exposition | None]:
        """Export metrics and traces inside this context; yields the metrics page, or None if metrics are off."""
        async with contextlib.AsyncExitStack() as stack:
            if self._provider is not None and self._endpoint is not None:
                tracing.export(self._provider, self._endpoint, is_grpc=self._is_grpc)
                stack.push_async_callback(tracing.close, self._provider)
            exposition = None
            if self.metrics is not None:
                register_process_metrics(self.metrics)
                _register_service_metrics(self.metrics, readiness)
                workers = None if self._folder is None else WorkerFiles(self._folder)
                exposition = Exposition(self.metrics, workers)
                if workers is not None:
                    stack.callback(workers.close)
                    stack.callback(exposition.write_metrics)
                    run_until_closed(exposition.keep_writing_metrics(), stack)
            yield exposition


def _is_monitoring_request(scope: MutableMapping[str, Any]) -> bool:
    return scope["path"] in MONITORING_PATHS


def _register_service_metrics(metrics: Metrics, readiness: Readiness) -> None:
    metrics.ready.read_from(lambda: [((), readiness.is_ready)])
    metrics.model_ready.read_from(lambda: [((probe.kind,), probe.is_answering) for probe in readiness.probes])
    metrics.model_info.read_from(
        lambda: [
            ((model.name, model.version, model.id), 1)
            for probe in readiness.probes
            if (model := probe.identity) is not None
        ]
    )
    metrics.workers.inc()
    metrics.build_info.with_labels(__version__, platform.python_version()).inc()
