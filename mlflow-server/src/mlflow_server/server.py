"""Runs MLflow's application under uvicorn, in this process and with no other."""

import os
import socket
import warnings
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mlflow_server.environment import PROXIED_ARTIFACTS, Storage, server_environment

CLOSED_PATH = "/mlflow/assistant"
"""MLflow's assistant starts coding agents with a shell on the server's machine, and no setting switches it off."""

SHUTDOWN_GRACE_SECONDS = 5


def bind(host: str, port: int) -> socket.socket:
    """Reserve the address before the seconds of imports, so that a taken port is told at once.

    Raises:
        OSError: The address cannot be had.
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
    """Answers 404 where MLflow's assistant would answer, and hands everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if CLOSED_PATH in scope.get("path", ""):
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"The assistant is switched off on this server."})
            return
        await self._app(scope, receive, send)


def load_application(storage: Storage, allowed_hosts: str) -> ASGIApp:
    """Import MLflow's application under our settings and open its stores, creating or migrating the tables."""
    os.environ.update(server_environment(storage, allowed_hosts))
    with warnings.catch_warnings():
        # MLflow's own use of a Starlette module that is on its way out; nothing that a reader of our log can act on.
        warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
        from mlflow.server.fastapi_app import app  # noqa: PLC0415 - MLflow reads the settings while it is imported
    from mlflow.server.handlers import initialize_backend_stores  # noqa: PLC0415 - the same

    initialize_backend_stores(storage.backend_store_uri, storage.backend_store_uri, PROXIED_ARTIFACTS)
    return WithoutAssistant(cast("ASGIApp", app))


def serve(listener: socket.socket, storage: Storage, allowed_hosts: str, *, access_log: bool) -> None:
    """Serve until SIGTERM or SIGINT; open calls get a few seconds to finish."""
    config = uvicorn.Config(
        load_application(storage, allowed_hosts),
        log_level="info",
        access_log=access_log,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
