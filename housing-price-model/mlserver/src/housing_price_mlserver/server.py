"""MLServer with one model, one process and one port."""

import asyncio
from pathlib import Path
from typing import Any

from mlserver import MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters
from mlserver_mlflow import MLflowRuntime
from pydantic import PrivateAttr


class _ServerSettings(Settings):
    """MLServer's settings, and the one that it keeps to itself: how long a stop waits for requests under way."""

    _custom_rest_server_settings: dict[str, Any] | None = PrivateAttr({"timeout_graceful_shutdown": 5})


class _NoGrpcServer:
    """Stands where MLServer puts its gRPC server, which cannot be switched off and has no user here."""

    async def start(self) -> None:
        """Do nothing: there is no port to listen on."""

    async def stop(self, sig: int | None = None) -> None:
        """Do nothing: there is nothing to stop."""


class _RestServer(MLServer):
    """MLServer over HTTP only, which remembers whether somebody asked it to stop."""

    asked_to_stop = False

    def _create_servers(self) -> None:
        super()._create_servers()
        self._grpc_server = _NoGrpcServer()

    async def stop(self, sig: int | None = None) -> None:
        """Stop serving; MLServer itself calls this without a signal when the model could not be loaded."""
        self.asked_to_stop = sig is not None
        await super().stop(sig)


def serve(model: Path, *, name: str, version: str, host: str, port: int) -> bool:
    """Serve an MLflow model folder until SIGINT or SIGTERM.

    Nothing is written to disk. Predictions run in this process (`parallel_workers=0`): with workers, MLServer 1.7.1
    hangs when it is stopped under load, and stays "ready" while a worker is stuck.

    Returns:
        Whether the server ended because it was asked to; it also ends when the model cannot be loaded.
    """
    settings = _ServerSettings(
        host=host,
        http_port=port,
        parallel_workers=0,
        metrics_endpoint=None,  # its metrics server would need a port of its own
        gzip_enabled=False,  # the caller is next door
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
        return server.asked_to_stop

    return asyncio.run(run())
