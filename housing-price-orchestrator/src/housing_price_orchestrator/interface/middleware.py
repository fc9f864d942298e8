"""Middleware around every request: request id, record, log line, metrics, and a response to unexpected errors."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_orchestrator.interface.error_responses import expected_error_response, problem_response
from housing_price_orchestrator.interface.problems import problem_type_of
from housing_price_orchestrator.interface.request_id import REQUEST_ID_HEADER, RESPONSE_HEADERS, choose_request_id
from housing_price_orchestrator.interface.server_timing import SERVER_TIMING, server_timing
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.observability.request_log import log_fields
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.observability.tracing import record_span, set_span_attributes

MONITORING_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Polled by monitoring, so logged at level `debug` unless the request fails."""


_SERVER_ERROR: Final = 500
_CLIENT_CLOSED_REQUEST: Final = 499
"""nginx's status for a client that disconnected before the response."""


class RequestMiddleware:
    """Gives each request an id and a record, and ensures that it is answered, logged and counted exactly once."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics | None = None, is_traced: bool = False) -> None:
        """Wrap `app`; count requests in `metrics` if given, and describe them in their span if `is_traced`."""
        self._app = app
        self._is_traced = is_traced
        self._metrics = metrics
        self._log: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one HTTP request; pass other ASGI scopes on unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        request_id = choose_request_id(scope["headers"])
        record = RequestRecord(request_id)
        current_request.set(record)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["record"] = record
        id_header = (REQUEST_ID_HEADER, request_id.encode())
        if self._metrics is not None:
            self._metrics.count_start()
        if self._is_traced:
            record_span(record)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], id_header, *state.get(RESPONSE_HEADERS, ())]
                if not record.is_stream:
                    headers.append((SERVER_TIMING, server_timing(record, time.perf_counter() - started_at)))
                message["headers"] = headers
                if self._is_traced:
                    set_span_attributes(record)
            await send(message)

        failure: dict[str, Any] = {}
        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = _CLIENT_CLOSED_REQUEST
        except Exception as error:  # noqa: BLE001 - the last place where an error can become a response
            response, failure = _handle_error(Request(scope), error, is_response_started=status != 0)
            if response is not None:
                await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started_at
            record.route = getattr(scope.get("route"), "path_format", "")
            if self._metrics is not None:
                self._metrics.count_end(record, scope["method"], status, seconds)
            if "error" in state:
                failure["error"] = state["error"]
            self._write(scope, record, status, seconds, failure)

    def _write(
        self, scope: Scope, record: RequestRecord, status: int, seconds: float, failure: Mapping[str, Any]
    ) -> None:
        is_probe = record.route in MONITORING_PATHS
        level = logging.DEBUG if is_probe else logging.INFO
        # A 503 is the answer of a probe, for example while the service starts.
        if (status >= _SERVER_ERROR and not is_probe) or "exc_info" in failure:
            level = logging.ERROR
        log = self._log
        if log is None:
            # Bound at the first request, because logging is configured after this object is made.
            log = self._log = structlog.get_logger().bind()
        # Checked first because collecting the fields costs more than writing them.
        if not log.is_enabled_for(level):
            return
        fields = {
            "request_id": record.request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(seconds, 6),
            **log_fields(record),
            **failure,
        }
        if "exc_info" not in failure and hasattr(log, "write_event"):
            log.write_event(level, "request", fields)
        else:
            log.log(level, "request", **fields)


def _handle_error(
    request: Request, error: Exception, *, is_response_started: bool
) -> tuple[Response | None, dict[str, Any]]:
    """Return the response to an error, None if another response has started, and extra fields for the log."""
    response = None if is_response_started else expected_error_response(request, error)
    if response is None:
        return None if is_response_started else problem_response(request, problem_type_of(error)), {"exc_info": error}
    # Coalesced requests share one error object, whose traceback would grow with each of them.
    error.__traceback__ = None
    return response, {}
