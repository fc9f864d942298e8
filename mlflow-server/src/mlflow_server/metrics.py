"""Metrics of the tracking server at `/metrics`, and its log of requests. MLflow has no such metrics of its own."""

import time
from collections import defaultdict
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_platform.output.request_log import request_fields

PATH: Final = "/metrics"

_MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_REQUESTS: Final = "housing_price_tracking_server_requests_total"
_SECONDS: Final = "housing_price_tracking_server_request_seconds_total"
_DEFAULT_STATUS: Final = 500


class MeasuredRequests:
    """Counts requests and their duration by status, and answers `GET /metrics` with the totals.

    The page has no data of users, so it is served to any `Host`.
    """

    def __init__(self, app: ASGIApp, *, with_log: bool) -> None:
        """Measure the requests to `app`; `with_log` logs each of them."""
        self._app = app
        self._with_log = with_log
        self._log = structlog.get_logger()
        self._requests: defaultdict[int, int] = defaultdict(int)
        self._seconds: defaultdict[int, float] = defaultdict(float)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == PATH and scope["method"] in {"GET", "HEAD"}:
            await self._show(send, is_head=scope["method"] == "HEAD")
        else:
            await self._measure(scope, receive, send)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = _DEFAULT_STATUS

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._requests[status] += 1
            seconds = time.perf_counter() - started
            self._seconds[status] += seconds
            if self._with_log:
                self._log.info("request", **request_fields(scope, status=status, seconds=seconds))

    async def _show(self, send: Send, *, is_head: bool) -> None:
        page = self.page().encode()
        headers = [(b"content-type", _MEDIA_TYPE), (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_head else page})

    def page(self) -> str:
        """Return the totals in Prometheus's text format."""
        lines = [f"# HELP {_REQUESTS} Requests answered, by status.", f"# TYPE {_REQUESTS} counter"]
        lines += [f'{_REQUESTS}{{status="{status}"}} {total}' for status, total in sorted(self._requests.items())]
        lines += [f"# HELP {_SECONDS} Time spent on requests, by status.", f"# TYPE {_SECONDS} counter"]
        lines += [f'{_SECONDS}{{status="{status}"}} {total:.6f}' for status, total in sorted(self._seconds.items())]
        return "\n".join([*lines, ""])
