"""The model server: MLflow's own scoring app, told which model it serves.

One middleware adds `X-Model-Name` and `X-Model-Version` to each answer (MLflow's server names no version) and writes
one line per call with the caller's `X-Request-ID`, so that a call can be followed through both services' logs.
"""

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import mlflow
import uvicorn
from mlflow.pyfunc import PyFuncModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_model.artefact.allowed_contents import opened
from housing_price_model.artefact.export import check_pinned
from housing_price_model.errors import ServingError
from housing_price_model.registry.versions import checked, connect
from housing_price_model.serving.fast_scoring import DirectModel, application_for

_logger: Final = logging.getLogger("housing_price_model.serving.server")
_CALL_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9a-f])")
# Whoever watches over us asks each second; the orchestrator names such calls so.
_READINESS_CALL_ID: Final = "readiness"
_GRACE_SECONDS: Final = 5


class CalledModel:
    """Names the model in each answer and logs each call by its id.

    A call id that is not 1 to 64 of `A-Z a-z 0-9 . _ -` is logged as `-`: it comes from outside.
    """

    def __init__(self, app: ASGIApp, name: str, version: str) -> None:
        self._app = app
        self._headers = [(b"x-model-name", name.encode()), (b"x-model-version", version.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            headers = dict(scope["headers"])
            given = headers.get(b"x-request-id", b"")
            call_id = given.decode() if _CALL_ID.fullmatch(given) else "-"
            duration_ms = (time.perf_counter() - started) * 1000
            # The raw path is as the caller sent it, without line breaks that would forge a log line.
            path = scope["raw_path"].decode("latin-1")
            level = logging.DEBUG if call_id == _READINESS_CALL_ID else logging.INFO
            _logger.log(
                level,
                "%s %s %d %.1f ms id=%s%s",
                *(scope["method"], path, status, duration_ms, call_id, _trace_of(headers.get(b"traceparent", b""))),
            )


def _trace_of(traceparent: bytes) -> str:
    """Name the trace that a call is part of, for its log line (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    found = _TRACEPARENT.match(traceparent)
    return "" if found is None else f" trace={found[1].decode()}"


@contextmanager
def loaded(model: str, tracking_uri: str, pinned: str | None = None) -> Iterator[tuple[PyFuncModel, str, str]]:
    """Check and load a model: an exported folder, or `models:/...` from the registry.

    Args:
        model: The folder or the URI.
        tracking_uri: Where the registry is; a folder needs none.
        pinned: The digest that the model has to have, whatever the folder or the registry say.

    Yields:
        The model, its name and its version.

    Raises:
        ArtefactError: its files are not those that were exported, registered or pinned, or not what a model may be made
            of; nothing was loaded.
        RegistryError: the tracking server does not answer or does not know it.
    """
    if model.startswith("models:/"):
        with checked(connect(tracking_uri), model) as (registered, folder):
            if pinned is not None:
                check_pinned(registered.digest, pinned, model)
            yield mlflow.pyfunc.load_model(str(folder)), registered.name, registered.version
    else:
        with opened(Path(model), pinned) as (manifest, folder):
            yield mlflow.pyfunc.load_model(str(folder)), manifest.name, manifest.version


def serve(model: str, tracking_uri: str, host: str, port: int, pinned: str | None = None) -> None:
    """Serve a model until SIGTERM or SIGINT, which end the process with 0.

    Port 0 takes a free one; uvicorn's log line "Uvicorn running on" tells which.

    Raises:
        ArtefactError, RegistryError: see `loaded`.
        ServingError: the port is taken, or the address is not this machine's.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    # uvicorn stops in order at a signal and then raises it again, which would end the process with an error.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # Our models hold no pickle, and MLflow would load one.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with loaded(model, tracking_uri, pinned) as (pyfunc, name, version):
        _logger.info("serving %s, version %s", name, version)
        app = CalledModel(application_for(DirectModel(pyfunc)), name, version)
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = uvicorn.Server(config)
        try:
            server.run()
        except SystemExit as exc:
            if server.started or not exc.code:
                raise
            raise ServingError(f"{host}:{port}: cannot be listened on; see above, or choose another --port") from exc
