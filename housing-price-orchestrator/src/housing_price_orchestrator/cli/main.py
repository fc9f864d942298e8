"""The command `housing-price-orchestrator` and its subcommands.

Commands import what loads OpenTelemetry when they run: its packages read their variables while they are imported.
"""

import json
import os
import socket
from typing import Annotated

import typer

from housing_price_orchestrator.cli import database, keys
from housing_price_orchestrator.cli.exits import exit_on_invalid_settings, exit_with_error
from housing_price_orchestrator.provider.store.migrations.revisions import RevisionUnknown
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.output.terminal import clean_output

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def main(context: typer.Context) -> None:
    """The public house price API."""
    context.with_resource(clean_output())
    context.obj = ignore_invalid(os.environ, with_transport=False)


app.add_typer(keys.app, name="keys")
app.add_typer(database.app, name="database")


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (ORCHESTRATOR_SERVER__HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 picks a free one (ORCHESTRATOR_SERVER__PORT).")
    ] = None,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM. Configure it with ORCHESTRATOR_... variables (see `settings`)."""
    from housing_price_orchestrator.serve import serve as serve_until_stopped  # noqa: PLC0415

    with exit_on_invalid_settings():
        try:
            serve_until_stopped(host=host, port=port, warnings=context.obj)
        except RevisionUnknown as error:
            exit_with_error(str(error))


@app.command()
def worker(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="Unique name of this worker.", show_default="host name")] = None,
) -> None:
    """Run scoring jobs until Ctrl-C or SIGTERM. Interrupted jobs resume at the next start (docs/jobs.md)."""
    # Imported here because DBOS takes a second to load.
    from housing_price_orchestrator.worker.run import run_worker  # noqa: PLC0415

    with exit_on_invalid_settings():
        run_worker(name=name or socket.gethostname(), warnings=context.obj)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document, as JSON."""
    from housing_price_orchestrator.app import openapi_document  # noqa: PLC0415

    typer.echo(json.dumps(openapi_document(), indent=2))


@app.command()
def proto() -> None:
    """Print the contract of the gRPC interface; it needs the extra `grpc`."""
    from housing_price_orchestrator.interface.grpc.contract.proto_file import committed_proto_file  # noqa: PLC0415

    typer.echo(committed_proto_file(), nl=False)


@app.command()
def settings() -> None:
    """Print all settings with variable, default and meaning, as Markdown."""
    from housing_price_orchestrator.app import describe_settings  # noqa: PLC0415

    typer.echo(describe_settings())


@app.command()
def metrics() -> None:
    """Print all metrics with kind, unit and meaning, as Markdown (docs/metrics.md)."""
    from housing_price_orchestrator.app import describe_metrics  # noqa: PLC0415

    typer.echo(describe_metrics(), nl=False)


@app.command()
def columns() -> None:
    """Print name and type (double or string) of each model column that this service sends, as JSON."""
    from housing_price_orchestrator.provider.model_server.columns import column_types  # noqa: PLC0415

    typer.echo(json.dumps([{"name": name, "type": kind} for name, kind in column_types().items()], indent=2))
