"""What happens around every request: its id, its record, one line in the log, and an answer even to the unexpected."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_orchestrator.interface.problems import answer_to, expected_error_response, problem
from housing_price_orchestrator.interface.request_id import ANSWER_HEADERS, REQUEST_ID_HEADER, choose_request_id
from housing_price_orchestrator.interface.server_timing import SERVER_TIMING, server_timing
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.observability.request_log import fields_of
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.observability.tracing import adopt_span, describe_in_span

MONITORING_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked again and again by whoever watches over the service; logged only below `info`."""


_SERVER_ERROR = 500
_CALLER_LEFT = 499
"""What nginx writes for it, too: nobody is there to be answered."""


class RequestMiddleware:
    """Gives each request an id, a record and an end: answered, logged and counted once, never with a stack trace."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics | None = None, is_traced: bool = False) -> None:
        """Wrap `app`; count in `metrics`, if anywhere; describe the request in its span, if there are spans."""
        self._app = app
        self._is_traced = is_traced
        self._metrics = metrics
        self._log: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of connection pass untouched."""
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
            self._metrics.begun()
        if self._is_traced:
            adopt_span(record)
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], id_header, *state.get(ANSWER_HEADERS, ())]
                if not record.is_stream:
                    headers.append((SERVER_TIMING, server_timing(record, time.perf_counter() - started_at)))
                message["headers"] = headers
                if self._is_traced:
                    describe_in_span(record)
            await send(message)

        failure: dict[str, Any] = {}
        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            status = _CALLER_LEFT
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            response, failure = _told(Request(scope), error, is_begun=status != 0)
            if response is not None:
                await response(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - started_at
            record.route = getattr(scope.get("route"), "path_format", "")
            if self._metrics is not None:
                self._metrics.ended(record, scope["method"], status, seconds)
            if "error" in state:
                failure["error"] = state["error"]
            self._write(scope, record, status, seconds, failure)

    def _write(
        self, scope: Scope, record: RequestRecord, status: int, seconds: float, failure: Mapping[str, Any]
    ) -> None:
        level = logging.DEBUG if scope["path"] in MONITORING_PATHS else logging.INFO
        if status >= _SERVER_ERROR or "exc_info" in failure:
            level = logging.ERROR
        log = self._log
        if log is None:
            # Bound once: the first request comes after the logs have been configured.
            log = self._log = structlog.get_logger().bind()
        # Putting the fields together costs more than writing them, and a line that is not written needs none.
        if not log.is_enabled_for(level):
            return
        fields = {
            "request_id": record.request_id,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "seconds": round(seconds, 6),
            **fields_of(record),
            **failure,
        }
        if "exc_info" not in failure and hasattr(log, "write_event"):
            log.write_event(level, "request", fields)
        else:
            log.log(level, "request", **fields)


def _told(request: Request, error: Exception, *, is_begun: bool) -> tuple[Response | None, dict[str, Any]]:
    """Give what a caller is told about an error, where no other answer `is_begun`, and what the log is told."""
    response = None if is_begun else expected_error_response(request, error)
    if response is None:
        return None if is_begun else problem(request, answer_to(error)), {"exc_info": error}
    # One error may be that of many requests, and would remember the way through each of them.
    error.__traceback__ = None
    return response, {}
