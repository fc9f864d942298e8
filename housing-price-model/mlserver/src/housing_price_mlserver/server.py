"""MLServer with one model, one process and one port."""

import asyncio
from pathlib import Path
from typing import Any

from mlserver import MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters
from mlserver_mlflow import MLflowRuntime
from pydantic import PrivateAttr


class _ServerSettings(Settings):
    """MLServer's settings, with a limit on the time that a shutdown waits for requests in flight."""

    _custom_rest_server_settings: dict[str, Any] | None = PrivateAttr({"timeout_graceful_shutdown": 5})


class _NoGrpcServer:
    """Replaces MLServer's gRPC server, which is not used here and cannot be disabled."""

    async def start(self) -> None:
        """Do nothing; there is no port to open."""

    async def stop(self, sig: int | None = None) -> None:
        """Do nothing; there is nothing to stop."""


class _RestServer(MLServer):
    """MLServer over HTTP only, which records whether a signal stopped it."""

    stop_requested = False

    def _create_servers(self) -> None:
        super()._create_servers()
        self._grpc_server = _NoGrpcServer()

    async def stop(self, sig: int | None = None) -> None:
        """Stop serving; MLServer calls this without a signal if the model fails to load."""
        self.stop_requested = sig is not None
        await super().stop(sig)


def serve(model: Path, *, name: str, version: str, host: str, port: int) -> bool:
    """Serve an MLflow model folder until SIGINT or SIGTERM.

    Writes nothing to disk. Predictions run in this process (`parallel_workers=0`): with workers, MLServer 1.7.1 hangs
    when it is stopped under load, and stays "ready" while a worker is stuck.

    Returns:
        True if a signal stopped the server; False if the model failed to load.
    """
    settings = _ServerSettings(
        host=host,
        http_port=port,
        parallel_workers=0,
        metrics_endpoint=None,  # its metrics server needs a port of its own
        gzip_enabled=False,  # the caller is on the same host or network
        debug=False,
        server_name="housing-price-mlserver",
        load_models_at_startup=False,
        model_repository_root=str(model),
    )
    model_settings = ModelSettings(
        name=name,
        implementation=MLflowRuntime,
        parameters=ModelParameters(uri=str(model), version=version),
    )

    async def run() -> bool:
        server = _RestServer(settings)
        await server.start([model_settings])
        return server.stop_requested

    return asyncio.run(run())
