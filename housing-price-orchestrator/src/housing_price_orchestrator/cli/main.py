"""The command line: `housing-price-orchestrator serve | worker | openapi | settings | metrics | columns | ...`."""

import json
import socket
import sys
from typing import Annotated

import typer

from housing_price_orchestrator.app import describe, describe_metrics, describe_settings
from housing_price_orchestrator.cli import database, keys
from housing_price_orchestrator.provider.model_server.columns import column_types
from housing_price_orchestrator.serve import serve as serve_until_stopped
from housing_price_orchestrator.settings import InvalidSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The public house price API.")
app.add_typer(keys.app, name="keys")
app.add_typer(database.app, name="database")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (ORCHESTRATOR_SERVER__HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 lets the system choose.")] = None,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM. Configuration comes from ORCHESTRATOR_... variables."""
    try:
        serve_until_stopped(host=host, port=port)
    except InvalidSettings as error:
        typer.echo(f"housing-price-orchestrator: the configuration cannot be used\n{error}", err=True)
        sys.exit(2)


@app.command()
def worker(
    name: Annotated[
        str | None, typer.Option(help="Its own, of no other worker on this folder.", show_default="this machine's")
    ] = None,
) -> None:
    """Price the files of jobs until Ctrl-C or SIGTERM, or any other end: nothing is lost (docs/jobs.md)."""
    # DBOS takes a second to load, which the other commands are spared.
    from housing_price_orchestrator.worker.run import run_worker  # noqa: PLC0415

    try:
        run_worker(name=name or socket.gethostname())
    except InvalidSettings as error:
        typer.echo(f"housing-price-orchestrator: the configuration cannot be used\n{error}", err=True)
        sys.exit(2)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    typer.echo(json.dumps(describe(), indent=2))


@app.command()
def settings() -> None:
    """Print every setting with its variable, its default and its meaning, as Markdown."""
    typer.echo(describe_settings())


@app.command()
def metrics() -> None:
    """Print every metric with its kind, its unit and its meaning, as Markdown: docs/metrics.md."""
    typer.echo(describe_metrics(), nl=False)


@app.command()
def columns() -> None:
    """Print the model's columns that this service sends, as JSON: name and type (double or string) of each."""
    typer.echo(json.dumps([{"name": name, "type": kind} for name, kind in column_types().items()], indent=2))
