"""Metrics of the tracking server at `/metrics`, so that Prometheus sees that it answers. MLflow has none of its own."""

import time
from collections import defaultdict
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = "/metrics"

_MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_REQUESTS: Final = "housing_price_tracking_server_requests_total"
_SECONDS: Final = "housing_price_tracking_server_request_seconds_total"
_DEFAULT_STATUS: Final = 500


class MeasuredRequests:
    """Counts requests and their duration by status, and answers `GET /metrics` with the totals.

    The page has no data of users, so it is served to any `Host`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
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
            self._seconds[status] += time.perf_counter() - started

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
