"""`housing-price models`: shows and compares the model versions in the registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from housing_price.remote import moves
from housing_price.remote.api import fail
from housing_price.remote.moves import Model, Version
from housing_price.stack.state import DEFAULT_STATE
from housing_price_model.cli.log_options import From, Json, To
from housing_price_model.cli.shadow import compare_with_shadow
from housing_price_model.errors import HousingPriceModelError
from housing_price_model.registry.names import DEFAULT_TRACKING_URI
from housing_price_model.settings import TRACKING_URI
from housing_price_platform.database.sqlite_file import sqlite_url
from housing_price_platform.environment.variables import SharedVariable
from housing_price_platform.orders.moves import ServedModel
from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.tables import print_table
from housing_price_platform.output.terminal import echo

if TYPE_CHECKING:
    from housing_price_model.lifecycle.overview import VersionComparison

app = typer.Typer(no_args_is_help=True, help="Show, compare, promote and roll back versions of the models.")
app.add_typer(moves.app)

# Plain assignments: typer ignores aliases made by a `type` statement.
Registry = Annotated[
    str,
    typer.Option(
        "--tracking-uri",
        envvar=TRACKING_URI,
        help="Address of MLflow's tracking server, which holds the registry.",
    ),
]
DEFAULT_LOG: Final = sqlite_url(DEFAULT_STATE / "predictions.db")


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """End the command with the message of an error of the model package."""
    try:
        yield
    except HousingPriceModelError as error:
        fail(str(error))


@app.command("list")
def list_versions(*, model: Model = ServedModel.PRICE, tracking_uri: Registry = DEFAULT_TRACKING_URI) -> None:
    """List all versions of a model and their states."""
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - slow to import; keeps --help fast

    with _exit_on_error():
        lives = overview.all_versions(tracking_uri, model)
    table = Table("Version", "State", "RMSLE", "Registered", "Last change")
    for life in reversed(lives):
        rmsle = "" if life.rmsle is None else f"{life.rmsle:.4f}"
        last = f"{life.records[-1].at} {life.records[-1].action}" if life.records else ""
        table.add_row(life.version, life.state, rmsle, _format_time(life.registered_at_ms), last)
    print_table(CleanConsole(), table)


@app.command()
def show(version: Version, *, model: Model = ServedModel.PRICE, tracking_uri: Registry = DEFAULT_TRACKING_URI) -> None:
    """Show a version: state, metrics and history of state changes."""
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - slow to import

    with _exit_on_error():
        life, metrics = overview.one_version(tracking_uri, version, model)
    table = Table(f"Version {life.version}", life.state, show_header=True)
    table.add_row("registered", _format_time(life.registered_at_ms))
    table.add_row("model", life.model_id or "")
    table.add_row("run", life.run_id or "")
    for name, value in sorted(metrics.items()):
        table.add_row(name, _format_metric(name, value))
    print_table(CleanConsole(), table)
    echo(f"digest {life.digest or ''}")  # on its own line: a narrow table would fold it
    history = Table("Time", "Action", "From", "To", "By", "Reason", "Job")
    for record in life.records:
        history.add_row(record.at, record.action, record.source, record.target, record.by, record.reason, record.job)
    print_table(CleanConsole(), history)


@app.command()
def compare(
    version: Version,
    *,
    other: Annotated[
        str | None,
        typer.Option(
            "--with", help="Version to compare with.", show_default="the champion; with --shadow: any version"
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="CSV, NDJSON or Parquet file of sold houses.", show_default="the Ames survey")
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Compare its logged shadow prices with the prices that were returned.")
    ] = False,
    log: Annotated[
        str,
        typer.Option(envvar=SharedVariable.PREDICTION_LOG_URL, help="With --shadow: URL of the prediction log."),
    ] = DEFAULT_LOG,
    start: From = None,
    end: To = None,
    as_json: Json = None,
    tracking_uri: Registry = DEFAULT_TRACKING_URI,
) -> None:
    """Compare two versions: their metrics, and their prices for the same houses."""
    if shadow:
        if data is not None:
            fail("--shadow compares logged requests and cannot be combined with --data.")
        compare_with_shadow(version, log=log, answered_by=other, start=start, end=end, as_json=as_json)
        return
    if start or end or as_json:
        fail("--from, --to and --json require --shadow.")
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - slow to import
    from housing_price_model.survey.data import BUNDLED  # noqa: PLC0415 - slow to import

    with _exit_on_error():
        other = other or overview.champion_of(tracking_uri)
        _print_comparison(overview.compare(tracking_uri, version, other, data or BUNDLED))


def _print_comparison(compared: "VersionComparison") -> None:
    first, second = (f"Version {version}" for version in compared.versions)
    trained = Table("Metrics from training", first, second)
    for name in sorted(compared.registered[0].keys() & compared.registered[1].keys()):
        trained.add_row(name, *(_format_metric(name, metrics[name]) for metrics in compared.registered))
    print_table(CleanConsole(), trained)
    measured = Table(f"Metrics on the same {compared.houses:,} houses", first, second)
    for name in compared.measured[0]:
        measured.add_row(name, *(_format_metric(name, metrics[name]) for metrics in compared.measured))
    print_table(CleanConsole(), measured)
    for version, is_out_of_sample in zip(compared.versions, compared.is_out_of_sample, strict=True):
        if not is_out_of_sample:
            echo(f"Version {version} may have been trained on these houses: its metrics are optimistic.")
    differences = compared.differences
    echo(
        f"Price differences: median {differences.median:.2%}, 95th percentile {differences.p95:.2%}, "
        f"maximum {differences.largest:.2%}; more than 5 % for {differences.far_apart:.1%} of the houses."
    )


def _format_metric(name: str, value: float) -> str:
    return f"{value:,.0f}" if name.endswith("_usd") else f"{value:.4f}"


def _format_time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
