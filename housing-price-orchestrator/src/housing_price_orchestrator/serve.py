"""Runs the application under uvicorn: sockets, signals and worker processes."""

import contextlib
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.composition.store import check_log_revision
from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from housing_price_orchestrator.interface.openapi.application import DescribedAPI
from housing_price_orchestrator.observability.logging import configure_logging, log_warnings
from housing_price_orchestrator.server.listening import ListeningConfig
from housing_price_orchestrator.server.reserved_port import reserve_port
from housing_price_orchestrator.settings import InvalidSettings, Settings, load_settings, pass_to_workers
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.quick_exit import skip_final_garbage_collection

GRACE_SECONDS: Final = 5
"""Maximum time for requests in progress to finish during shutdown."""

_SERVICE: Final = "orchestrator"
"""The name of this service in its log."""

_EXTRA_FILES: Final = 256
"""Open files besides client connections: to model servers and databases, and sockets that are closing."""


def app_from_environment() -> FastAPI:
    """Create the application in a worker process."""
    skip_final_garbage_collection()
    settings = load_settings()
    keep_running_without_log()
    configure_logging(_SERVICE, level=settings.log.level, style=settings.log.format, in_background=True)
    return _with_openapi_document(create_app(settings))


def serve(*, host: str | None = None, port: int | None = None, warnings: Iterable[str] = ()) -> None:
    """Serve until a stop signal; `host` and `port` override the environment, and `warnings` are logged.

    Raises:
        InvalidSettings: a setting is invalid or cannot be used.
        RevisionUnknown: a later release migrated the tables of the prediction log.
    """
    skip_final_garbage_collection()
    settings = load_settings(host=host, port=port)
    check_log_revision(settings)
    keep_running_without_log()
    configure_logging(_SERVICE, level=settings.log.level, style=settings.log.format, in_background=True)
    log_warnings(warnings)
    with _reserved_grpc_port(settings) as grpc_port:
        _serve(settings, grpc_port)


def _serve(settings: Settings, grpc_port: int | None) -> None:
    app = create_app(settings)
    # uvicorn shuts down on a signal and then raises it again, which would end the process with an error.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    _raise_open_file_limit(_max_connections(settings))
    if settings.server.workers > 1:
        _serve_with_workers(settings, grpc_port)
        return
    server = uvicorn.Server(_config(settings, _with_openapi_document(app)))
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


@contextlib.contextmanager
def _reserved_grpc_port(settings: Settings) -> Iterator[int | None]:
    """Check that the port of gRPC is free; with several workers, reserve it for all of them. None if gRPC is off.

    Raises:
        InvalidSettings: the port is in use.
    """
    port = settings.grpc.port
    if port is None:
        yield None
        return
    is_shared = settings.server.workers > 1
    try:
        reserved = reserve_port(settings.server.host, port, is_shared=is_shared)
    except OSError as error:
        raise InvalidSettings(
            f"ORCHESTRATOR_GRPC__PORT={port}: cannot listen on this port of {settings.server.host}: {error.strerror}"
        ) from error
    if not is_shared:
        # The server binds the port itself, and finds a free one for 0.
        reserved.close()
        yield port
        return
    with reserved:
        yield reserved.getsockname()[1]


def _serve_with_workers(settings: Settings, grpc_port: int | None) -> None:
    config = _config(settings, f"{__name__}:{app_from_environment.__name__}")
    with contextlib.ExitStack() as stack:
        folder = settings.metrics.folder or stack.enter_context(TemporaryDirectory(prefix="housing-price-metrics-"))
        pass_to_workers(settings, metrics_folder=Path(folder), grpc_port=grpc_port)
        _Workers(config, sockets=[config.bind_socket()]).run()


class _Workers(Multiprocess):
    """uvicorn's worker processes, which share the listening sockets of their parent."""

    def terminate_all(self) -> None:
        """Stop all workers and close the listening sockets, so that no client waits in a dead queue."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()


def _with_openapi_document(app: DescribedAPI) -> DescribedAPI:
    """Build the OpenAPI document before the first request, which would otherwise wait for it."""
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


def _max_connections(settings: Settings) -> int:
    """Return the maximum number of open connections of a worker, over both interfaces."""
    over_grpc = 0 if settings.grpc.port is None else settings.grpc.max_connections
    return settings.server.max_connections + over_grpc


def _raise_open_file_limit(connections: int) -> None:
    """Raise the limit on open files to what the connections need; many systems default to 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _EXTRA_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        structlog.get_logger().warning(
            "limit on open files is too low for max_connections", allowed=allowed, wanted=wanted
        )


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
