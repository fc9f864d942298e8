"""The table of what runs: each service's command, its environment, and how it tells that it is ready.

This is the only module that knows the commands of the other packages.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from housing_price.errors import StackError
from housing_price.ports import Address
from housing_price.state import REPOSITORY, State
from housing_price.supervisor import Service
from housing_price_model.names import CHAMPION, NAME

TRACKING_SERVER, MODEL_SERVER, ORCHESTRATOR = "tracking-server", "model-server", "orchestrator"
PREDICT_PATH = "/api/v1/price/predict"


class ModelServerKind(StrEnum):
    """What serves the model."""

    MLFLOW = "mlflow"
    MLSERVER = "mlserver"


@dataclass(frozen=True)
class Plan:
    """What the options say: where everything listens and where it keeps its state."""

    state: State
    tracking: Address
    model_server: Address
    orchestrator: Address
    model_server_kind: ModelServerKind = ModelServerKind.MLFLOW

    @property
    def addresses(self) -> tuple[Address, Address, Address]:
        """Every address that the stack listens on."""
        return self.orchestrator, self.model_server, self.tracking


def environment(**changes: str) -> dict[str, str]:
    """This process's environment for a child: lines appear when they are printed, nothing calls home."""
    return os.environ | {"PYTHONUNBUFFERED": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"} | changes


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """A command of another package of this workspace."""
    return (sys.executable, "-m", module, *arguments)


def _listen(address: Address) -> tuple[str, ...]:
    return ("--host", address.host, "--port", str(address.port))


def tracking_server(plan: Plan) -> Service:
    """MLflow's tracking server and model registry."""
    database, artifacts = f"sqlite:///{plan.state.database}", str(plan.state.artifacts)
    stores = ("--backend-store-uri", database, "--artifacts", artifacts)
    return Service(
        name=TRACKING_SERVER,
        command=python("mlflow_server", "serve", *_listen(plan.tracking), *stores),
        environment=environment(),
        ready_url=f"{plan.tracking.url}/health",
        style="blue",
    )


def model_server(plan: Plan, digest: str | None = None) -> Service:
    """The exported champion behind `/invocations`, under MLflow's own scoring server or under MLServer.

    Args:
        plan: Where it listens, and what serves.
        digest: What the registry recorded of the champion's files; the model server refuses any other.
    """
    pinned = ("--digest", digest) if digest else ()
    served = (str(plan.state.champion), *_listen(plan.model_server), *pinned)
    variables = environment()
    if plan.model_server_kind is ModelServerKind.MLFLOW:
        command, ready_within_seconds = python("housing_price_model", "serve", *served), 120.0
    else:
        project = str(REPOSITORY / "housing-price-model" / "mlserver")
        command = (find_uv(), "run", "--frozen", "--project", project, "housing-price-mlserver", *served)
        # It has a lock and an environment of its own, which uv finds by the project and not by our variables.
        for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"):
            variables.pop(name, None)
        ready_within_seconds = 600.0  # the first start installs its packages
    return Service(
        name=MODEL_SERVER,
        command=command,
        environment=variables,
        ready_url=f"{plan.model_server.url}/ping",
        style="magenta",
        ready_within_seconds=ready_within_seconds,
    )


def orchestrator(plan: Plan) -> Service:
    """The public API."""
    # It cannot know whether a person reads what goes through our pipe; a format that was asked for stays.
    log_format = os.environ.get("ORCHESTRATOR_LOG__FORMAT", "console" if sys.stdout.isatty() else "auto")
    # A database that was asked for is used, and the state folder has room for one where none was.
    predictions = os.environ.get("ORCHESTRATOR_PREDICTION_LOG__URL", f"sqlite:///{plan.state.predictions}")
    return Service(
        name=ORCHESTRATOR,
        command=python("housing_price_orchestrator", "serve"),
        environment=environment(
            ORCHESTRATOR_LOG__FORMAT=log_format,
            ORCHESTRATOR_SERVER__HOST=plan.orchestrator.host,
            ORCHESTRATOR_SERVER__PORT=str(plan.orchestrator.port),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=plan.model_server.url,
            ORCHESTRATOR_PREDICTION_LOG__URL=predictions,
        ),
        # Not /readyz: it starts without a model server, and `up` asks it for a real price in the end.
        ready_url=f"{plan.orchestrator.url}/livez",
        style="cyan",
    )


def training(plan: Plan) -> tuple[str, ...]:
    """Trains, registers and exports the model."""
    target = ("--tracking-uri", plan.tracking.url, "--export-to", str(plan.state.champion))
    return python("housing_price_model", "train", *target)


def export(plan: Plan) -> tuple[str, ...]:
    """Writes the registry's champion to the folder that the model server reads."""
    champion = f"models:/{NAME}@{CHAMPION}"
    target = ("--to", str(plan.state.champion), "--tracking-uri", plan.tracking.url)
    return python("housing_price_model", "export", "--model", champion, *target)


def orchestrator_columns() -> tuple[str, ...]:
    """Prints the model columns that the orchestrator sends, as JSON."""
    return python("housing_price_orchestrator", "columns")


def find_uv() -> str:
    """The uv that runs us, else the one on the PATH, else the one that the Makefile installed.

    Raises:
        StackError: There is none.
    """
    installed = REPOSITORY / ".uv" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(installed) if installed.exists() else None)
    if not found or not Path(found).exists():
        raise StackError("uv was not found: start with `make up` or `uv run housing-price up`")
    return found
