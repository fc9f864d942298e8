"""The command line: `housing-price up | doctor | backup | restore | jobs | models | score`."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from housing_price.backup import commands as backups
from housing_price.bulk.command import score
from housing_price.doctor.doctor import run_checks
from housing_price.errors import StackError
from housing_price.processes.json_output import JsonOutput
from housing_price.processes.output import Output
from housing_price.processes.ports import Address, reserved_port
from housing_price.processes.supervisor import BackOff
from housing_price.remote import jobs, models
from housing_price.stack.plan import ModelServerKind, Plan
from housing_price.stack.services import COMPARABLES_SERVER, GRPC, MODEL_SERVER, ORCHESTRATOR, TRACKING_SERVER
from housing_price.stack.state import DEFAULT_STATE, State
from housing_price.stack.training_data import check_training_data
from housing_price.stack.up import run_until_stopped
from housing_price_model.settings import check_names
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.environment.origins import normal_origin
from housing_price_platform.environment.secret_files import UnusableSecretFile, read_secret_files
from housing_price_platform.environment.variables import SharedVariable, UnknownVariables
from housing_price_platform.output.terminal import clean_output, echo

LOOPBACK: Final = "127.0.0.1"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.command()(score)

# Not `type Port = ...`: typer ignores such an alias, and the bounds and the help would be lost.
Port = Annotated[
    int,
    typer.Option(min=0, max=65535, envvar="ORCHESTRATOR_SERVER__PORT", help="Port of the API; 0 picks a free port."),
]
GrpcPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        envvar="ORCHESTRATOR_GRPC__PORT",
        help="Port of the API over gRPC; 0 picks a free port.",
        show_default="off",
    ),
]
ModelServerPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the model server; 0 picks a free port.")]
ComparablesPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the server that finds comparable sales; 0 picks a free port.")
]
TrackingPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of MLflow's tracking server; 0 picks a free port.")
]
StateDir = Annotated[
    Path, typer.Option(file_okay=False, help="Folder for databases, models and job files.", show_default=False)
]


@app.callback()
def main(context: typer.Context) -> None:
    """Run the house price services on this machine, manage jobs and model versions over the API, and score files."""
    context.with_resource(clean_output())
    if context.invoked_subcommand != "up":  # its services report their own
        for warning in ignore_invalid(os.environ):
            echo(f"warning: {warning}", err=True)
    try:
        check_names()
        # The services inherit the values.
        read_secret_files(os.environ)
    except (UnknownVariables, UnusableSecretFile) as error:
        Output(sys.stderr).error(str(error))
        raise typer.Exit(2) from error


@contextmanager
def _plan(
    *,
    state_dir: Path,
    host: str,
    port: int,
    model_server_port: int,
    comparables_port: int,
    tracking_port: int,
    grpc_port: int | None = None,
    kind: ModelServerKind = ModelServerKind.MLFLOW,
    data: Path | None = None,
    allowed_origins: tuple[str, ...] = (),
) -> Iterator[Plan]:
    """Replace each port 0 by a free port, which stays reserved until the context ends."""
    with ExitStack() as reserved:

        def address(host: str, port: int, service: str, option: str) -> Address:
            return Address(host, port or reserved.enter_context(reserved_port(host)), service, option)

        yield Plan(
            state=State(state_dir.resolve()),
            tracking=address(LOOPBACK, tracking_port, TRACKING_SERVER, "--tracking-port"),
            model_server=address(LOOPBACK, model_server_port, MODEL_SERVER, "--model-server-port"),
            comparables_server=address(LOOPBACK, comparables_port, COMPARABLES_SERVER, "--comparables-port"),
            orchestrator=address(host, port, ORCHESTRATOR, "--port"),
            grpc=None if grpc_port is None else address(host, grpc_port, GRPC, "--grpc-port"),
            model_server_kind=kind,
            data=data,
            allowed_origins=allowed_origins,
        )


def _normal_origins(values: list[str] | None) -> list[str]:
    try:
        return [normal_origin(value) for value in values or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _output(stream: TextIO) -> Output:
    """Return the output of the stack: JSON lines only if they are asked for."""
    return JsonOutput(stream) if os.environ.get(SharedVariable.LOG_FORMAT) == "json" else Output(stream)


@app.command()
def up(
    *,
    host: Annotated[
        str,
        typer.Option(
            envvar="ORCHESTRATOR_SERVER__HOST",
            help="Address that the API listens on. The other services always listen on loopback.",
        ),
    ] = (LOOPBACK),
    port: Port = 8000,
    grpc_port: GrpcPort = None,
    model_server_port: ModelServerPort = 8080,
    comparables_port: ComparablesPort = 8081,
    tracking_port: TrackingPort = 9999,
    model_server: Annotated[
        ModelServerKind, typer.Option(help="Model server of the price model to run.")
    ] = ModelServerKind.MLFLOW,
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV, NDJSON or Parquet file of sold houses to train on, if there is no model yet.",
            show_default="the Ames survey",
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            callback=_normal_origins,
            help=(
                "Origin whose web pages may call the API, such as http://localhost:5173; * for all. Repeat the option "
                "for each. Default: ORCHESTRATOR_CORS__ALLOWED_ORIGINS."
            ),
            show_default=False,
        ),
    ] = None,
    state_dir: StateDir = DEFAULT_STATE,
    stop_with: Annotated[
        int | None, typer.Option(hidden=True, help="Process id; the stack stops when this process ends.")
    ] = None,
) -> None:
    """Train the models if there are none, then run tracking server, model servers, API and workers until Ctrl-C."""
    output = _output(sys.stdout)
    try:
        note = None if data is None else check_training_data(data, State(state_dir.resolve()))
        with _plan(
            state_dir=state_dir,
            host=host,
            port=port,
            model_server_port=model_server_port,
            comparables_port=comparables_port,
            tracking_port=tracking_port,
            grpc_port=grpc_port,
            kind=model_server,
            data=None if data is None else data.resolve(),
            allowed_origins=tuple(allow_origin or ()),
        ) as plan:
            if note is not None:
                output.say(note, "yellow")
            ports = {address.service: address.port for address in plan.addresses}
            with plan.state.lock({"pid": os.getpid(), "ports": ports}):
                asyncio.run(run_until_stopped(plan, output, BackOff(), stop_with))
    except StackError as error:
        _output(sys.stderr).error(str(error))
        raise typer.Exit(1) from error


@app.command()
def doctor(
    *,
    port: Port = 8000,
    model_server_port: ModelServerPort = 8080,
    comparables_port: ComparablesPort = 8081,
    tracking_port: TrackingPort = 9999,
    state_dir: StateDir = DEFAULT_STATE,
) -> None:
    """Check this machine and the stack, and suggest a fix for each problem."""
    with _plan(
        state_dir=state_dir,
        host=LOOPBACK,
        port=port,
        model_server_port=model_server_port,
        comparables_port=comparables_port,
        tracking_port=tracking_port,
    ) as plan:
        is_healthy = run_checks(plan, Output(sys.stdout))
    if not is_healthy:
        raise typer.Exit(1)
