"""Traces from the caller to the model server, exported over OTLP.

FastAPI creates the span of each request and continues the caller's `traceparent`; `provider/tracing.py` adds the spans
of model server calls. There is no global tracer provider: the application creates, passes on and closes its own.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from housing_price_orchestrator.observability.record import RequestRecord

TRACER: Final = "housing_price_orchestrator"

REQUEST_ID: Final = "housing_price.request_id"
MODEL: Final = "housing_price.model"
ROWS: Final = "housing_price.rows"
REQUESTS: Final = "housing_price.requests"
CALL_ID: Final = "housing_price.call_id"
ATTEMPTS: Final = "housing_price.attempts"
"""Custom span attributes; the others follow OpenTelemetry's semantic conventions."""

_TRACE_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})

_FLUSH_SECONDS: Final = 2.0
"""Maximum wait of the shutdown for the last spans to be exported."""


def tracer_provider(service: str, *, version: str) -> TracerProvider:
    """Create the tracer provider.

    The SDK reads samplers, limits, headers and certificates from the standard variables itself.
    """
    resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: version})
    return TracerProvider(resource=resource, shutdown_on_exit=False)


def export(provider: TracerProvider, endpoint: str, *, is_grpc: bool = False) -> None:
    """Export spans to `endpoint` in batches, from a separate thread; gRPC needs the extra `grpc`."""
    exporter: SpanExporter
    if is_grpc:
        # Imported here because its package is optional.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter as GrpcSpanExporter,
        )

        exporter = GrpcSpanExporter(endpoint=endpoint)
    else:
        exporter = OTLPSpanExporter(endpoint=endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter))


async def close(provider: TracerProvider) -> None:
    """Export the remaining spans, for a bounded time: an unavailable collector must not delay the shutdown."""
    exporting = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
    exporting.start()
    await asyncio.to_thread(exporting.join, _FLUSH_SECONDS)


@contextlib.contextmanager
def rpc_span(tracer: Tracer | None, route: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Span | None]:
    """Run a call over gRPC in a span of its own, which continues the trace of the caller; None if tracing is off.

    Args:
        tracer: creates the span; None if tracing is off.
        route: the path of the method: `/SERVICE/METHOD`.
        headers: the metadata of the call.
    """
    if tracer is None:
        yield None
        return
    carrier = {name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACE_HEADERS}
    _, service, method = route.split("/")
    with tracer.start_as_current_span(
        route[1:],
        context=TraceContextTextMapPropagator().extract(carrier),
        kind=SpanKind.SERVER,
        attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def end_rpc_span(span: Span | None, record: RequestRecord, code: int, *, is_server_error: bool) -> None:
    """Add the attributes that are known at the end of a call to its span."""
    if span is None:
        return
    set_span_attributes(record)
    span.set_attribute("rpc.grpc.status_code", code)
    if is_server_error:
        span.set_status(StatusCode.ERROR)


def record_span(record: RequestRecord) -> None:
    """Store the current span (FastAPI's, or that of a call over gRPC) in the record, and add the request id to it."""
    span = trace.get_current_span()
    context = span.get_span_context()
    if context.is_valid:
        record.span = span
        record.trace_id = trace.format_trace_id(context.trace_id)
        span.set_attribute(REQUEST_ID, record.request_id)


def set_span_attributes(record: RequestRecord) -> None:
    """Add the attributes that are known when the response starts to a request's span."""
    span = record.span
    if span is None or not span.is_recording():
        return
    span.set_attribute(ROWS, record.rows)
    for name in ("validate", "queue", "model", "encode"):
        span.set_attribute(f"housing_price.{name}_seconds", getattr(record, f"{name}_seconds"))
