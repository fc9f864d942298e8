"""Runs MLflow's application under uvicorn, in this single process."""

import os
import socket
import warnings
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mlflow_server.environment import PROXIED_ARTIFACTS, Storage, server_environment
from mlflow_server.metrics import MeasuredRequests
from mlflow_server.page import WithoutUsageReports

ASSISTANT_PATH: Final = "/mlflow/assistant"
"""MLflow's assistant runs coding agents with a shell on the server's machine. No setting of MLflow disables it."""

SHUTDOWN_GRACE_SECONDS: Final = 5


def bind(host: str, port: int) -> socket.socket:
    """Bind the address before the slow imports, so that a port in use is reported at once.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class WithoutAssistant:
    """Answers 404 for the paths of MLflow's assistant, and passes on all other requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if ASSISTANT_PATH in scope.get("path", ""):
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"The assistant is disabled on this server."})
            return
        await self._app(scope, receive, send)


def load_application(storage: Storage, allowed_hosts: str, *, access_log: bool) -> ASGIApp:
    """Import MLflow's application with these settings and open its stores, creating or migrating the tables."""
    os.environ.update(server_environment(storage, allowed_hosts))
    with warnings.catch_warnings():
        # MLflow itself uses a deprecated Starlette module; users cannot act on the warning.
        warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
        from mlflow.server.fastapi_app import app  # noqa: PLC0415 - MLflow reads the settings while it is imported
    from mlflow.server.handlers import initialize_backend_stores  # noqa: PLC0415 - same reason

    initialize_backend_stores(storage.database_uri, storage.database_uri, PROXIED_ARTIFACTS)
    return MeasuredRequests(WithoutAssistant(WithoutUsageReports(cast("ASGIApp", app))), with_log=access_log)


def serve(listener: socket.socket, storage: Storage, allowed_hosts: str, *, access_log: bool) -> None:
    """Serve until SIGTERM or SIGINT. Open requests get SHUTDOWN_GRACE_SECONDS to finish."""
    config = uvicorn.Config(
        load_application(storage, allowed_hosts, access_log=access_log),
        log_config=None,
        access_log=False,  # its lines would have other fields than those of the other services
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
