"""Spans for what happens behind the coalescing; put in only where traces are wanted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.observability.tracing import ATTEMPTS, CALL_ID, REQUESTS, ROWS
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

_ERROR_TYPE = "error.type"
_FIRST_ERROR_STATUS = 400


class TracedCalls:
    """Gives each coalesced call a span.

    A span has one parent, and a call may carry the requests of many traces. So the call continues the trace of the
    first request that is sampled, and it and the others are linked, both ways: each trace leads to the call.
    """

    def __init__(self, model: PriceModel, tracer: Tracer) -> None:
        """Trace what `model` is asked in one call."""
        self._model = model
        self._tracer = tracer

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`."""
        call = current_call.get()
        spans = [] if call is None else call.spans
        parent = next(
            (span for span in spans if span.get_span_context().trace_flags.sampled), spans[0] if spans else None
        )
        others = [span for span in spans if span is not parent]
        with _failing_with_its_name(
            self._tracer.start_span(
                "coalesced call",
                context=Context() if parent is None else trace.set_span_in_context(parent, Context()),
                links=[Link(span.get_span_context()) for span in others],
                attributes={ROWS: len(houses), REQUESTS: len(spans)},
            )
        ) as span:
            for other in others:
                if other.is_recording():
                    other.add_link(span.get_span_context())
            try:
                return await self._model.price(houses)
            finally:
                if call is not None:
                    span.set_attributes(_attributes_of(call))


class TracedTransport(httpx.AsyncBaseTransport):
    """Gives each attempt of a traced call a span, and tells the model server about it.

    What is not part of a trace, such as the questions of readiness, stays without one. Only `traceparent` and
    `tracestate` go out: a caller's baggage is not for the model server.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, tracer: Tracer) -> None:
        """Trace what goes through `transport`."""
        self._transport = transport
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if not trace.get_current_span().get_span_context().is_valid:
            return await self._transport.handle_async_request(request)
        url = request.url
        with _failing_with_its_name(
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
        """Close what it goes through."""
        await self._transport.aclose()


def _attributes_of(call: CallRecord) -> dict[str, str | int]:
    return {CALL_ID: call.id, ATTEMPTS: call.attempts}


@contextmanager
def _failing_with_its_name(span: Span) -> Iterator[Span]:
    """Make `span` the current one until its end; of an error it keeps the kind, and not what it says."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            span.set_attribute(_ERROR_TYPE, type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
