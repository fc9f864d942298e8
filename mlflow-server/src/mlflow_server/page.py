"""The page of the tracking server, changed so that it says that usage reporting is off."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SETTING: Final = "mlflow.settings.telemetry.enabled_v1"
"""Key in the browser's storage: the switch "Enable telemetry" of the page "Settings"."""
NOTICE: Final = "mlflow.telemetry.info.alert.dismissed_v1"
"""Key in the browser's storage: whether the notice "MLflow collects usage data" was closed."""

_HEAD: Final = b"<head>"
_SCRIPT: Final = (
    "<script>"
    "/* This server collects and reports no usage data: show the switch as off, and no notice of the contrary. */"
    f'try{{localStorage.setItem("{SETTING}","false");localStorage.setItem("{NOTICE}","true")}}catch{{}}'
    "</script>"
).encode()
_VALIDATORS: Final = frozenset({b"if-none-match", b"if-modified-since"})


class WithoutUsageReports:
    """Adds a script to the page at `/` that turns the page's usage reporting off; passes on all other requests.

    MLflow's variables turn reporting off on the server, which then tells the page to send nothing. The page
    nevertheless says that data is collected, and shows its switch as on.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        # The page without the script may be in the browser's cache.
        scope = {**scope, "headers": [one for one in scope["headers"] if one[0] not in _VALIDATORS]}
        await self._app(scope, receive, _PageSender(scope, send))


class _PageSender:
    """Collects the response, and sends it with the script if it is a page."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_head = scope["method"] == "HEAD"
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        headers = MutableHeaders(raw=list(self._start["headers"]))
        if headers.get("content-type", "").startswith("text/html"):
            self._body = self._body.replace(_HEAD, _HEAD + _SCRIPT, 1)
            for name in ("etag", "last-modified"):
                del headers[name]
            if self._is_head:
                del headers["content-length"]
            else:
                headers["content-length"] = str(len(self._body))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": b"" if self._is_head else self._body})
