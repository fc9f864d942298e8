"""Runs the application under uvicorn: its sockets, its signals and its worker processes."""

import contextlib
import resource
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from housing_price_orchestrator.interface.openapi import DescribedAPI
from housing_price_orchestrator.observability.logging import configure_logging
from housing_price_orchestrator.server.listening import ListeningConfig
from housing_price_orchestrator.settings import Settings, load_settings, pass_to_workers

GRACE_SECONDS = 5
"""How long requests that are being answered may take to end when the process is told to stop."""

_OTHER_FILES = 256
"""Open files beside the clients' connections: those to model servers, databases, sockets that are about to close."""


def app_from_environment() -> FastAPI:
    """Make the application in a worker process of its own."""
    settings = load_settings()
    configure_logging(level=settings.log.level, style=settings.log.format, in_background=True)
    return _prepared(create_app(settings))


def serve(*, host: str | None = None, port: int | None = None) -> None:
    """Serve until a signal says stop; `host` and `port` override the environment.

    Raises:
        InvalidSettings: the environment holds something that cannot be used.
    """
    settings = load_settings(host=host, port=port)
    configure_logging(level=settings.log.level, style=settings.log.format, in_background=True)
    app = create_app(settings)
    # uvicorn stops in order at a signal and then raises it again, which would end the process with an error.
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, _end)
    _allow_files(settings.server.max_connections)
    if settings.server.workers > 1:
        _serve_with_workers(settings)
        return
    server = uvicorn.Server(_config(settings, _prepared(app)))
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _serve_with_workers(settings: Settings) -> None:
    config = _config(settings, f"{__name__}:{app_from_environment.__name__}")
    with contextlib.ExitStack() as stack:
        folder = settings.metrics.folder or stack.enter_context(TemporaryDirectory(prefix="housing-price-metrics-"))
        pass_to_workers(settings, metrics_folder=Path(folder))
        _Workers(config, sockets=[config.bind_socket()]).run()


class _Workers(Multiprocess):
    """uvicorn's workers, who listen together on sockets of their parent."""

    def terminate_all(self) -> None:
        """Tell all to end, and let go of the sockets: nobody is to wait there whom no worker takes over any more."""
        super().terminate_all()
        for listening in self.sockets:
            listening.close()


def _prepared(app: DescribedAPI) -> DescribedAPI:
    """Build the document before there are requests that would have to wait for it."""
    if app.openapi_url:
        _ = app.encoded_document
    return app


def _config(settings: Settings, app: FastAPI | str) -> ListeningConfig:
    server = settings.server
    return ListeningConfig(
        app,
        factory=isinstance(app, str),
        workers=server.workers,
        host=server.host,
        port=server.port,
        limits=ConnectionLimits(
            connections=server.max_connections,
            client_seconds=server.client_timeout_seconds,
            keep_alive_seconds=server.keep_alive_seconds,
        ),
        cert_file=settings.tls.cert_file,
        key_file=settings.tls.key_file,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _allow_files(connections: int) -> None:
    """Raise this process's limit of open files to what the connections need: many systems begin at 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        structlog.get_logger().warning("few open files allowed", allowed=allowed, wanted=wanted)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
