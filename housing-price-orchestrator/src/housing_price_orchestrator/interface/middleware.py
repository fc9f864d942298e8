"""What happens around every request: its id, one line in the log, and an answer even to the unexpected."""

import time
from typing import Any

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_orchestrator.interface.problems import answer_to, problem
from housing_price_orchestrator.interface.request_id import HEADER, choose_request_id

_QUIET_PATHS = frozenset({"/livez", "/readyz"})
"""Asked every second by whoever watches over the service; logged only below `info`."""


_SERVER_ERROR = 500
_CALLER_LEFT = 499
"""What nginx writes for it, too: nobody is there to be answered."""


class RequestMiddleware:
    """Gives each request an id and an end: answered, logged once, and never with a stack trace."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of connection pass untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = choose_request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        id_header = (HEADER, request_id.encode())
        started_at = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], id_header]
            await send(message)

        failure: dict[str, Any] = {}
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            status = _CALLER_LEFT
        except Exception as error:  # noqa: BLE001 - the last place where an error can become an answer
            failure = {"exc_info": error}
            if status == 0:
                await problem(Request(scope), answer_to(error))(scope, receive, send_with_id)
        finally:
            if "error" in scope["state"]:
                failure["error"] = scope["state"]["error"]
            log = self._log.debug if scope["path"] in _QUIET_PATHS else self._log.info
            if status >= _SERVER_ERROR or "exc_info" in failure:
                log = self._log.error
            log(
                "request",
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=round(time.perf_counter() - started_at, 6),
                **failure,
            )
