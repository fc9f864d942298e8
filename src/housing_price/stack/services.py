"""Defines each service of the stack: its command, its environment and its readiness check.

Only this module knows the commands of the other packages.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from housing_price.errors import StackError
from housing_price.processes.ports import Address
from housing_price.processes.supervisor import Service
from housing_price.stack.api_url import url_for_checks
from housing_price.stack.plan import ModelServerKind, Plan, Served
from housing_price.stack.state import REPOSITORY
from housing_price_model.lifecycle.documents import Server
from housing_price_model.lifecycle.serving_folder import ROUTES
from housing_price_platform.database.sqlite_file import sqlite_url
from housing_price_platform.environment.variables import SharedVariable
from housing_price_platform.orders.moves import ServedModel

TRACKING_SERVER, ORCHESTRATOR, GRPC = "tracking-server", "orchestrator", "grpc"
MODEL_SERVER, COMPARABLES_SERVER = "model-server", "comparables-server"
SCORING_WORKER, TRAINING_WORKER, LIFECYCLE_WORKER = "scoring", "candidates", "lifecycle"
WORKER_NAME: Final = "up"
"""The same at each start: a worker resumes the unfinished jobs of the worker with its name."""

_STYLE_OF_MODEL: Final = {ServedModel.PRICE: "magenta", ServedModel.COMPARABLES: "bright_magenta"}


def environment(**changes: str) -> dict[str, str]:
    """Return the environment for a child: this process's own, with unbuffered output and without telemetry."""
    always = {
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        SharedVariable.LOG_FORMAT: _log_format(SharedVariable.LOG_FORMAT),
    }
    return os.environ | always | changes


def _log_format(variable: str) -> str:
    # Services write to a pipe and cannot detect the terminal. A format set by the user has precedence.
    of_all = os.environ.get(SharedVariable.LOG_FORMAT, "console" if sys.stdout.isatty() else "auto")
    return os.environ.get(variable, of_all)


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs another package of this workspace."""
    return (sys.executable, "-m", module, *arguments)


def _listen(address: Address) -> tuple[str, ...]:
    return ("--host", address.host, "--port", str(address.port))


def tracking_server(plan: Plan) -> Service:
    """MLflow's tracking server and model registry."""
    database, artifacts = sqlite_url(plan.state.database), str(plan.state.artifacts)
    stores = ("--backend-store-uri", database, "--artifacts", artifacts)
    return Service(
        name=TRACKING_SERVER,
        command=python("mlflow_server", "serve", *_listen(plan.tracking), *stores),
        environment=environment(),
        ready_url=f"{plan.tracking.url}/health",
        style="blue",
    )


def model_server(served: Served, server: Server, address: Address, name: str) -> Service:
    """A model server that serves an exported version at `/invocations`: MLflow's scoring server or MLServer.

    Args:
        served: The model, with the kind of its servers.
        server: The export to serve. The server refuses files whose digest differs from the recorded one.
        address: Address to listen on.
        name: Name of the service in log lines and messages.
    """
    folder = str(served.serving.folder / server.folder)
    arguments = (folder, *_listen(address), "--digest", server.digest)
    variables = environment()
    if served.kind is ModelServerKind.MLFLOW:
        command, ready_within_seconds = python("housing_price_model", "serve", *arguments), 120.0
    else:
        project = str(REPOSITORY / "housing-price-model" / "mlserver")
        command = (find_uv(), "run", "--frozen", "--project", project, "housing-price-mlserver", *arguments)
        # MLServer has its own lock and environment. These variables would make uv use the workspace's environment.
        for variable in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"):
            variables.pop(variable, None)
        ready_within_seconds = 600.0  # the first start installs its packages
    return Service(
        name=name,
        command=command,
        environment=variables,
        ready_url=f"{address.url}/ping",
        style=_STYLE_OF_MODEL[served.model],
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
            "ORCHESTRATOR_GRPC__PORT": "" if plan.grpc is None else str(plan.grpc.port),
            "ORCHESTRATOR_COMPARABLES__BASE_URL": plan.comparables_server.url,
            "ORCHESTRATOR_COMPARABLES__ROUTES_FILE": str(plan.served(ServedModel.COMPARABLES).serving.folder / ROUTES),
            **_cors_of(plan),
        },
        # Not /readyz: the orchestrator starts before the model server. `up` finally waits for /readyz.
        ready_url=f"{url_for_checks(plan.orchestrator)}/livez",
        style="cyan",
    )


def _cors_of(plan: Plan) -> dict[str, str]:
    return {"ORCHESTRATOR_CORS__ALLOWED_ORIGINS": ",".join(plan.allowed_origins)} if plan.allowed_origins else {}


def _orchestrator_environment(plan: Plan) -> dict[str, str]:
    return environment(
        ORCHESTRATOR_LOG__FORMAT=_log_format("ORCHESTRATOR_LOG__FORMAT"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=plan.model_server.url,
        ORCHESTRATOR_MODEL_SERVER__REGISTRY_URL=os.environ.get(
            "ORCHESTRATOR_MODEL_SERVER__REGISTRY_URL", plan.tracking.url
        ),
        ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE=str(plan.state.serving.folder / ROUTES),
        ORCHESTRATOR_PREDICTION_LOG__URL=_prediction_log_url(plan),
        ORCHESTRATOR_JOBS__DATABASE_URL=_jobs_url(plan),
        ORCHESTRATOR_JOBS__FOLDER=os.environ.get("ORCHESTRATOR_JOBS__FOLDER", str(plan.state.job_files)),
    )


# A database set by the user has precedence over a file in the state folder.
def _prediction_log_url(plan: Plan) -> str:
    return os.environ.get("ORCHESTRATOR_PREDICTION_LOG__URL", sqlite_url(plan.state.predictions))


def _jobs_url(plan: Plan) -> str:
    return os.environ.get("ORCHESTRATOR_JOBS__DATABASE_URL", sqlite_url(plan.state.jobs))


def workers(plan: Plan) -> tuple[Service, ...]:
    """The workers that run jobs. The lifecycle worker starts first: it may have to complete an interrupted move."""
    queue_line = "takes jobs from the queue"
    named = ("--name", WORKER_NAME)
    # URLs may contain a password, so they are passed in variables and not in the arguments.
    variables = environment(
        **{SharedVariable.JOBS_URL: _jobs_url(plan), SharedVariable.PREDICTION_LOG_URL: _prediction_log_url(plan)}
    )
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
            # While the worker of the previous run still ends. The orchestrator checks the same settings.
            retries_status_2=True,
        ),
        Service(
            name=TRAINING_WORKER,
            # Training uses all processors for a minute and must not delay requests.
            command=(*_low_priority(), *python("housing_price_model", "worker", *training)),
            environment=variables,
            ready_line=queue_line,
            style="yellow",
        ),
    )


def _low_priority() -> tuple[str, ...]:
    program = shutil.which("nice")
    return (program, "-n", "10") if program else ()


def training(plan: Plan) -> tuple[str, ...]:
    """Return the command that trains and registers both models."""
    data = () if plan.data is None else ("--data", str(plan.data))
    return python("housing_price_model", "train", "--tracking-uri", plan.tracking.url, *data)


def export(plan: Plan, served: Served, version: str) -> tuple[str, ...]:
    """Return the command that exports a version of a model to the folder of its server."""
    target = ("--to", str(served.serving.export_of(version)), "--tracking-uri", plan.tracking.url)
    return python("housing_price_model", "export", "--model", f"models:/{served.name}/{version}", *target)


def orchestrator_columns() -> tuple[str, ...]:
    """Return the command that prints the columns that the orchestrator sends, as JSON."""
    return python("housing_price_orchestrator", "columns")


def find_uv() -> str:
    """Return the path of uv: the one that runs this process, the one on the PATH, or the one that `make` installed.

    Raises:
        StackError: uv is not installed.
    """
    installed = REPOSITORY / ".uv" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(installed) if installed.exists() else None)
    if not found or not Path(found).exists():
        raise StackError("uv was not found: run `make up` or `uv run housing-price up`")
    return found
