"""Traces: one from the caller to the model server, sent to whatever speaks OTLP.

FastAPI itself makes the span of each request, and takes over the caller's `traceparent`; `provider/tracing.py` adds
what happens behind the coalescing. Nothing here is global: the provider is made, handed on and closed by the
application.
"""

import asyncio
import threading

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from housing_price_orchestrator.observability.record import RequestRecord

TRACER = "housing_price_orchestrator"

REQUEST_ID = "housing_price.request_id"
ROWS = "housing_price.rows"
REQUESTS = "housing_price.requests"
CALL_ID = "housing_price.call_id"
ATTEMPTS = "housing_price.attempts"
"""The attributes that are our own; the others follow OpenTelemetry's semantic conventions."""

_FLUSH_SECONDS = 2.0
"""How long the end of the process may wait for the last spans to be taken."""


def tracer_provider(service: str, *, version: str) -> TracerProvider:
    """Make what gives tracers.

    The SDK itself reads the standard variables for everything else: samplers, limits, headers, certificates.
    """
    resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: version})
    return TracerProvider(resource=resource, shutdown_on_exit=False)


def export(provider: TracerProvider, endpoint: str) -> None:
    """Send the spans to `endpoint`, in batches, from a thread of their own."""
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))


async def close(provider: TracerProvider) -> None:
    """Send what is left, for a bounded time: a collector that is away must not hold up the end."""
    sending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, _FLUSH_SECONDS)


def adopt_span(record: RequestRecord) -> None:
    """Note the span that FastAPI has begun for a request, and name the request in it."""
    span = trace.get_current_span()
    context = span.get_span_context()
    if context.is_valid:
        record.span = span
        record.trace_id = trace.format_trace_id(context.trace_id)
        span.set_attribute(REQUEST_ID, record.request_id)


def describe_in_span(record: RequestRecord) -> None:
    """Add to a request's span what is known when its answer begins."""
    span = record.span
    if span is None or not span.is_recording():
        return
    span.set_attribute(ROWS, record.rows)
    for name in ("validate", "queue", "model", "encode"):
        span.set_attribute(f"housing_price.{name}_seconds", getattr(record, f"{name}_seconds"))
