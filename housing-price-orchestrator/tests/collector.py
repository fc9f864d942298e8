"""Collectors of traces for the tests: they take OTLP over HTTP, as protobuf, or over gRPC, and keep the spans."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from http_server import Answer, Request, running_http_server

SECONDS_FOR_SPANS = 20


@dataclass(frozen=True)
class CollectedSpan:
    """One span, its ids as hexadecimal digits."""

    name: str
    service: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: list[tuple[str, str]]
    attributes: dict[str, Any]
    is_error: bool


class Collector:
    """Listens on a free port."""

    def __init__(self) -> None:
        self.spans: list[CollectedSpan] = []
        self.paths: set[str] = set()
        self._server = ExitStack()
        self.url = ""

    def _collect(self, request: Request) -> Answer:
        assert request.headers["content-type"] == "application/x-protobuf"
        self.paths.add(request.path)
        self.spans += _spans_in(ExportTraceServiceRequest.FromString(request.body))
        return Answer()

    def __enter__(self) -> Self:
        self.url = self._server.enter_context(running_http_server(self._collect))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def wait_for(self, is_there: Callable[[list[CollectedSpan]], bool]) -> list[CollectedSpan]:
        """Wait, for a bounded time, until the spans that are looked for have come; returns all spans."""
        return _wait_for(self.spans, is_there)


class GrpcCollector(TraceServiceServicer):
    """Listens on a free port for gRPC."""

    def __init__(self) -> None:
        self.spans: list[CollectedSpan] = []
        self._server = grpc.server(ThreadPoolExecutor(max_workers=2))
        add_TraceServiceServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait(SECONDS_FOR_SPANS)

    def Export(self, request: ExportTraceServiceRequest, _context: object) -> ExportTraceServiceResponse:  # noqa: N802
        """Keep the spans of a request. The name comes from the protocol."""
        self.spans += _spans_in(request)
        return ExportTraceServiceResponse()

    def wait_for(self, is_there: Callable[[list[CollectedSpan]], bool]) -> list[CollectedSpan]:
        """Wait, for a bounded time, until what is looked for has come; gives all spans."""
        return _wait_for(self.spans, is_there)


def _wait_for(spans: list[CollectedSpan], is_there: Callable[[list[CollectedSpan]], bool]) -> list[CollectedSpan]:
    deadline = time.monotonic() + SECONDS_FOR_SPANS
    while not is_there(spans):
        assert time.monotonic() < deadline, f"not there: {spans}"
        time.sleep(0.01)
    return spans


def _spans_in(request: ExportTraceServiceRequest) -> Iterator[CollectedSpan]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield CollectedSpan(
                    span.name,
                    service,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    _values(span.attributes),
                    span.status.code == span.status.STATUS_CODE_ERROR,
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
