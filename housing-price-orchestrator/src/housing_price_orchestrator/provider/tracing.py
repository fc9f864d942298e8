"""Spans for coalesced calls and for each attempt at a model server; installed only when tracing is enabled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpx
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.observability.tracing import ATTEMPTS, CALL_ID, MODEL, REQUESTS, ROWS
from housing_price_orchestrator.shared.ports import Model, ModelKind

_ERROR_TYPE: Final = "error.type"
_FIRST_ERROR_STATUS: Final = 400


class TracedCalls[Question, Answer]:
    """Creates a span for each coalesced call.

    A span has one parent, but one call can carry requests of many traces. The call joins the trace of the first sampled
    request and is linked to and from the spans of the others, so every trace leads to the call.
    """

    def __init__(self, model: Model[Question, Answer], tracer: Tracer, kind: ModelKind) -> None:
        """Trace the calls of `model`, which is of this kind."""
        self._model = model
        self._tracer = tracer
        self._kind = kind

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`."""
        call = current_call.get()
        spans = [] if call is None else call.spans
        parent = next(
            (span for span in spans if span.get_span_context().trace_flags.sampled), spans[0] if spans else None
        )
        others = [span for span in spans if span is not parent]
        with _active_span(
            self._tracer.start_span(
                "coalesced call",
                context=Context() if parent is None else trace.set_span_in_context(parent, Context()),
                links=[Link(span.get_span_context()) for span in others],
                attributes={MODEL: self._kind, ROWS: len(questions), REQUESTS: len(spans)},
            )
        ) as span:
            for other in others:
                if other.is_recording():
                    other.add_link(span.get_span_context())
            try:
                return await self._model.answer(questions)
            finally:
                if call is not None:
                    span.set_attributes(_attributes_of(call))


class TracedTransport(httpx.AsyncBaseTransport):
    """Creates a client span for each attempt of a traced call and sends the trace context to the model server.

    Calls outside a trace, such as readiness probes, get no span. Only `traceparent` and `tracestate` are sent: a
    caller's baggage is not passed on.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        """Trace the requests sent through `transport`."""
        self._transport = transport
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if not trace.get_current_span().get_span_context().is_valid:
            return await self._transport.handle_async_request(request)
        url = request.url
        with _active_span(
            self._tracer.start_span(
                request.method,
                kind=SpanKind.CLIENT,
                attributes={
                    "http.request.method": request.method,
                    "server.address": url.host,
                    "server.port": url.port or (443 if url.scheme == "https" else 80),
                    "url.full": str(url.copy_with(username=None, password=None)),
                },
            )
        ) as span:
            self._propagator.inject(request.headers)
            response = await self._transport.handle_async_request(request)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= _FIRST_ERROR_STATUS:
                span.set_attribute(_ERROR_TYPE, str(response.status_code))
                span.set_status(StatusCode.ERROR)
            return response

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._transport.aclose()


def _attributes_of(call: CallRecord) -> dict[str, str | int]:
    return {CALL_ID: call.id, ATTEMPTS: call.attempts}


@contextmanager
def _active_span(span: Span) -> Iterator[Span]:
    """Make `span` current, end it on exit, and record the type of an error but not its message."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            span.set_attribute(_ERROR_TYPE, type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
