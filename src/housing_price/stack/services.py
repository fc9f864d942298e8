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
from housing_price.stack.ports import Address
from housing_price.stack.state import REPOSITORY, State
from housing_price.stack.supervisor import Service
from housing_price_model.lifecycle.documents import Server
from housing_price_model.lifecycle.serving_folder import ROUTES
from housing_price_model.registry.names import NAME

TRACKING_SERVER, MODEL_SERVER, ORCHESTRATOR = "tracking-server", "model-server", "orchestrator"
SCORING_WORKER, TRAINING_WORKER, LIFECYCLE_WORKER = "scoring", "candidates", "lifecycle"
WORKER_NAME = "up"
"""The same at each start: a worker goes on with the jobs that one of its name has left."""

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


def model_server(plan: Plan, server: Server, address: Address, name: str) -> Service:
    """An exported version behind `/invocations`, under MLflow's own scoring server or under MLServer.

    Args:
        plan: What serves.
        server: Which export; its digest is what the registry recorded of its files, and no other model is served.
        address: Where it listens.
        name: How it is called.
    """
    folder = str(plan.state.serving.folder / server.folder)
    served = (folder, *_listen(address), "--digest", server.digest)
    variables = environment()
    if plan.model_server_kind is ModelServerKind.MLFLOW:
        command, ready_within_seconds = python("housing_price_model", "serve", *served), 120.0
    else:
        project = str(REPOSITORY / "housing-price-model" / "mlserver")
        command = (find_uv(), "run", "--frozen", "--project", project, "housing-price-mlserver", *served)
        # It has a lock and an environment of its own, which uv finds by the project and not by our variables.
        for variable in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"):
            variables.pop(variable, None)
        ready_within_seconds = 600.0  # the first start installs its packages
    return Service(
        name=name,
        command=command,
        environment=variables,
        ready_url=f"{address.url}/ping",
        style="magenta",
        ready_within_seconds=ready_within_seconds,
    )


def orchestrator(plan: Plan) -> Service:
    """The public API."""
    return Service(
        name=ORCHESTRATOR,
        command=python("housing_price_orchestrator", "serve"),
        environment=_orchestrator_environment(plan)
        | {
            "ORCHESTRATOR_SERVER__HOST": plan.orchestrator.host,
            "ORCHESTRATOR_SERVER__PORT": str(plan.orchestrator.port),
        },
        # Not /readyz: it starts without a model server, and `up` asks it for a real price in the end.
        ready_url=f"{plan.orchestrator.url}/livez",
        style="cyan",
    )


def _orchestrator_environment(plan: Plan) -> dict[str, str]:
    # It cannot know whether a person reads what goes through our pipe; a format that was asked for stays.
    log_format = os.environ.get("ORCHESTRATOR_LOG__FORMAT", "console" if sys.stdout.isatty() else "auto")
    return environment(
        ORCHESTRATOR_LOG__FORMAT=log_format,
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=plan.model_server.url,
        ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE=str(plan.state.serving.folder / ROUTES),
        ORCHESTRATOR_PREDICTION_LOG__URL=_predictions(plan),
        ORCHESTRATOR_JOBS__DATABASE_URL=_jobs(plan),
        ORCHESTRATOR_JOBS__FOLDER=os.environ.get("ORCHESTRATOR_JOBS__FOLDER", str(plan.state.job_files)),
    )


# A database that was asked for is used, and the state folder has room for one where none was.
def _predictions(plan: Plan) -> str:
    return os.environ.get("ORCHESTRATOR_PREDICTION_LOG__URL", f"sqlite:///{plan.state.predictions}")


def _jobs(plan: Plan) -> str:
    return os.environ.get("ORCHESTRATOR_JOBS__DATABASE_URL", f"sqlite:///{plan.state.jobs}")


def workers(plan: Plan) -> tuple[Service, ...]:
    """What does the jobs. A move that was begun comes first: it may stand half done."""
    queue_line = "takes jobs from the queue"
    named = ("--name", WORKER_NAME)
    # Databases in variables: there may be a password in their names.
    variables = environment(HOUSING_PRICE_JOBS_URL=_jobs(plan), PREDICTION_LOG_URL=_predictions(plan))
    registry = ("--tracking-uri", plan.tracking.url)
    lifecycle = ("--queue", "lifecycle", "--serving", str(plan.state.serving.folder), *registry, *named)
    folders = ("--runs", str(plan.state.candidates), "--data-folder", str(plan.state.data))
    training = ("--queue", "training", *folders, *registry, *named)
    return (
        Service(
            name=LIFECYCLE_WORKER,
            command=python("housing_price_model", "worker", *lifecycle),
            environment=variables,
            ready_line=queue_line,
            style="green",
        ),
        Service(
            name=SCORING_WORKER,
            command=python("housing_price_orchestrator", "worker", *named),
            environment=_orchestrator_environment(plan),
            ready_line="worker ready",
            style="cyan",
        ),
        Service(
            name=TRAINING_WORKER,
            # A training takes all processors for a minute, and prices are not to wait for it.
            command=(*_nice(), *python("housing_price_model", "worker", *training)),
            environment=variables,
            ready_line=queue_line,
            style="yellow",
        ),
    )


def _nice() -> tuple[str, ...]:
    program = shutil.which("nice")
    return (program, "-n", "10") if program else ()


def training(plan: Plan) -> tuple[str, ...]:
    """Trains and registers the model."""
    return python("housing_price_model", "train", "--tracking-uri", plan.tracking.url)


def export(plan: Plan, version: str) -> tuple[str, ...]:
    """Writes a version to the folder that its model server reads."""
    target = ("--to", str(plan.state.export_of(version)), "--tracking-uri", plan.tracking.url)
    return python("housing_price_model", "export", "--model", f"models:/{NAME}/{version}", *target)


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
