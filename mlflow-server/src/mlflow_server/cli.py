"""The command line: `mlflow-server serve`."""

import os
import sys
from enum import StrEnum
from typing import Annotated

import structlog
import typer

from housing_price_platform.database.sqlite_file import REMEDY, find_damage
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.environment.secret_files import UnusableSecretFile, read_secret_files
from housing_price_platform.environment.variables import SharedVariable, UnknownVariables
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.output.logs import configure_logging
from housing_price_platform.output.terminal import clean_output, echo
from housing_price_platform.quick_exit import skip_final_garbage_collection
from mlflow_server.environment import Storage, Variable, check_names, loopback_patterns
from mlflow_server.server import bind, serve


class LogFormat(StrEnum):
    """The form of log lines."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main(context: typer.Context) -> None:
    """Run MLflow's tracking server and model registry with safe settings."""
    context.with_resource(clean_output())
    # MLflow, which the command imports when it runs, imports OpenTelemetry.
    for warning in ignore_invalid(os.environ):
        echo(f"warning: {warning}", err=True)
    try:
        # Before the options of the command read their variables.
        read_secret_files(os.environ)
    except UnusableSecretFile as error:
        echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


@app.command("serve")
def serve_command(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on. The server has no authentication: keep it private.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free port.")] = 9999,
    backend_store_uri: Annotated[
        str,
        typer.Option(
            envvar=Variable.BACKEND_STORE_URI, help="SQLAlchemy URI of the database of runs and registered models."
        ),
    ] = "sqlite:///.housing-price/mlflow.db",
    artifacts: Annotated[
        str,
        typer.Option(envvar=Variable.ARTIFACTS_DESTINATION, help="Folder or object store URI for models and plots."),
    ] = ".housing-price/artifacts",
    allowed_hosts: Annotated[
        str,
        typer.Option(
            envvar=Variable.ALLOWED_HOSTS,
            help="Comma-separated Host headers to accept, * as a wildcard. Default: the names of this machine.",
            show_default=False,
        ),
    ] = "",
    access_log: Annotated[bool, typer.Option(help="Log every request.")] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            envvar=SharedVariable.LOG_FORMAT,
            help="Form of log lines; auto: readable lines on a terminal, else JSON.",
        ),
    ] = LogFormat.AUTO,
) -> None:
    """Serve until Ctrl-C or SIGTERM, in one process. Job execution and unpickling are off; artifacts go over HTTP."""
    try:
        check_names()
    except UnknownVariables as error:
        echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    skip_final_garbage_collection()
    keep_running_without_log()
    storage = Storage(backend_store_uri, artifacts)
    try:
        storage.create_folders()
    except OSError as error:
        echo(f"error: cannot create the store (--backend-store-uri, --artifacts): {error}", err=True)
        raise typer.Exit(1) from error
    file = storage.database_file
    if file is not None and (damage := find_damage(file)):
        echo(f"error: {file} (--backend-store-uri) is damaged ({damage}): {REMEDY}", err=True)
        raise typer.Exit(1)
    try:
        listener = bind(host, port)
    except OSError as error:
        echo(f"error: cannot listen on {host} port {port} (--host, --port): {error.strerror}", err=True)
        raise typer.Exit(1) from error
    with listener:
        address = f"[{host}]" if ":" in host else host
        # MLflow would write lines of its own form with a handler of its own.
        os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"
        configure_logging("tracking-server", style=log_format, stream=sys.stderr, quiet=("alembic", "httpx"))
        url = f"http://{address}:{listener.getsockname()[1]}"
        structlog.get_logger().info(f"tracking server at {url} is starting")
        serve(listener, storage, allowed_hosts or loopback_patterns(), access_log=access_log)
