"""The model server: the scoring application with model headers and a request log.

A middleware adds `X-Model-Name` and `X-Model-Version` to each response, which MLflow's server does not send. It logs
one line per request with the caller's `X-Request-ID`, so that it can be followed through the logs of both services.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
import uvicorn
from mlflow.pyfunc import PyFuncModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.artefact.export import check_pinned_digest
from housing_price_model.errors import ServingError
from housing_price_model.registry.versions import connect, download_checked
from housing_price_model.serving.load_model import load_model
from housing_price_model.serving.metrics import ModelServerMetrics
from housing_price_model.serving.scoring_app import create_app
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.output.request_log import request_fields
from housing_price_platform.quick_exit import skip_final_garbage_collection

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
# The id that the orchestrator gives its readiness checks; it sends one each second.
_READINESS_REQUEST_ID: Final = "readiness"
_GRACE_SECONDS: Final = 5


class ModelServerMiddleware:
    """Adds the model's name and version to each response, and logs and measures each request."""

    def __init__(self, app: ASGIApp, name: str, version: str, metrics: ModelServerMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = [(b"x-model-name", name.encode()), (b"x-model-version", version.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_with_model(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_model)
        finally:
            seconds = time.perf_counter() - started
            fields = request_fields(scope, status=status, seconds=seconds)
            self._metrics.count_request(fields["path"], status, seconds)
            log = _log.debug if fields["request_id"] == _READINESS_REQUEST_ID else _log.info
            log("request", **fields)


@contextmanager
def load_checked(
    model: str, tracking_uri: str, pinned_digest: str | None = None
) -> Iterator[tuple[PyFuncModel, str, str]]:
    """Check and load a model: an exported folder, or `models:/...` from the registry.

    Args:
        model: The folder or the URI.
        tracking_uri: The tracking server; unused for a folder.
        pinned_digest: The required digest, independent of what the folder or the registry record.

    Yields:
        The model, its name and its version.

    Raises:
        ArtefactError: The files differ from those exported, registered or pinned, or have disallowed contents or
            contents that contradict each other.
        RegistryError: The tracking server does not respond or has no such model.
    """
    if model.startswith("models:/"):
        with download_checked(connect(tracking_uri), model) as (registered, folder):
            if pinned_digest is not None:
                check_pinned_digest(registered.digest, pinned_digest, model)
            yield load_model(folder, model), registered.name, registered.version
    else:
        with open_export(Path(model), pinned_digest) as (manifest, folder):
            yield load_model(folder, model), manifest.name, manifest.version


def serve(model: str, tracking_uri: str, host: str, port: int, pinned_digest: str | None = None) -> None:
    """Serve a model until SIGTERM or SIGINT, then exit with status 0.

    Port 0 selects a free port, which uvicorn logs as "Uvicorn running on".

    Raises:
        ArtefactError, RegistryError: See `load_checked`.
        ServingError: The port is in use, or the address is not local.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    # After its graceful shutdown uvicorn raises the signal again, which would exit with a non-zero status.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # Unpickling runs code. Models of this package contain no pickle.
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    skip_final_garbage_collection()
    keep_running_without_log()
    with load_checked(model, tracking_uri, pinned_digest) as (pyfunc, name, version):
        _log.info("serving", model=name, version=version)
        metrics = ModelServerMetrics(name, version)
        app = ModelServerMiddleware(create_app(pyfunc, metrics), name, version, metrics)
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
        except SystemExit as error:
            if server.started or not error.code:
                raise
            raise ServingError(
                f"{host}:{port}: cannot listen on this address; see the log above, or choose another --port"
            ) from error
