"""The commands that read the prediction log: `drift`, `replay` and `realised-error`."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from housing_price_model.cli.log_options import (
    EXIT_FINDING,
    From,
    Json,
    LogUrl,
    ModelId,
    To,
    check_time_range,
    parse_duration,
)
from housing_price_model.console import TrackingUri, output, readable_errors
from housing_price_model.registry.names import DEFAULT_TRACKING_URI
from housing_price_platform.output.tables import print_part, print_table

if TYPE_CHECKING:
    from housing_price_model.prediction_log.replay import Differences

app = typer.Typer()


@app.command()
def drift(
    *,
    log: LogUrl,
    start: From = None,
    end: To = None,
    last: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse_duration, metavar="DURATION", help="Use the last DURATION instead of --from and --to."
        ),
    ] = None,
    model_id: ModelId = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model whose profile to use: a folder or models:/...; repeatable. Default: look it up in the registry."
        ),
    ] = None,
    silent: Annotated[
        list[str] | None,
        typer.Option(help="Column that is reported but raises no alarm; repeatable.", show_default="MoSold, YrSold"),
    ] = None,
    as_json: Json = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as a self-contained HTML page to this file.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(help="Write metrics for the Prometheus textfile collector to this file.")
    ] = None,
    every: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse_duration,
            metavar="DURATION",
            help="Repeat the check at this interval until SIGTERM or SIGINT; requires --last.",
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="With --every: port to serve /metrics on; 0 selects a free port."),
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address for --metrics-port.")] = "127.0.0.1",
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Compare the prediction log with the training data of its models.

    Exits with status 0 without an alarm, 3 with an alarm, and 1 if no check was possible.
    """
    from housing_price_model.drift import run as running  # noqa: PLC0415  # slow import
    from housing_price_model.drift.compare import CALENDAR  # noqa: PLC0415  # slow import

    check_time_range(start, end)
    if last and (start or end):
        raise typer.BadParameter("--last cannot be combined with --from or --to")
    if every and not last:
        raise typer.BadParameter("--every requires --last, the time range of each check")
    if metrics_port is not None and not every:
        raise typer.BadParameter("--metrics-port requires --every; for a single check use --metrics FILE")
    options = running.DriftOptions(
        log_url=log,
        start=start,
        end=end,
        last=last,
        model_id=model_id,
        models=tuple(model or ()),
        silent=tuple(silent if silent is not None else CALENDAR),
        tracking_uri=tracking_uri,
        as_json=as_json,
        html=html,
        metrics=metrics,
    )
    with readable_errors():
        if every:
            running.repeat(options, every, None if metrics_port is None else (metrics_host, metrics_port))
        elif running.once(options).is_alarm:
            raise typer.Exit(EXIT_FINDING)


@app.command()
def replay(
    *,
    log: LogUrl,
    model: Annotated[str, typer.Option(help="Model that prices the rows again: a folder or models:/...")],
    start: From = None,
    end: To = None,
    comparables: Annotated[
        str | None,
        typer.Option(help="Comparables model that values logged valuations again: a folder or models:/..."),
    ] = None,
    model_id: ModelId = None,
    as_json: Json = None,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Price logged rows again and show how the prices differ; with --comparables also values of valuations.

    Exits with status 3 unless every price made by the same model is reproduced bit for bit, and every value made by the
    same two models to the cent, with the same sales.
    """
    check_time_range(start, end)
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log import replay as replaying  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log import replay_values as replaying_values  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.reader import open_log  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.rows import Window  # noqa: PLC0415  # slow import

    with readable_errors():
        with open_log(log) as reader:
            window = Window(start, end)
            result = replaying.replay(reader, window, model, tracking_uri, model_id)
            valued = comparables and replaying_values.replay_values(reader, window, model, comparables, tracking_uri)
        if as_json:
            content = result.to_json() | ({"values": valued.to_json()} if valued else {})
            write_atomically(as_json, json.dumps(content, indent=2) + "\n")
    title = f"Replayed with {result.name} version {result.version} ({result.model_id})"
    rows = {"all models": result.total, "this model": result.own, **dict(sorted(result.by_group.items()))}
    print_table(output, _table_of_differences(title, rows))
    if valued:
        title = f"Values replayed with the comparables model {valued.comparables_id}"
        print_table(output, _table_of_differences(title, {"all models": valued.total, "these models": valued.own}))
    if not result.is_reproduced:
        changed = result.own.rows - result.own.identical
        output.print(f"{changed:,} of {result.own.rows:,} prices made by this model were not reproduced.")
    if valued and not valued.is_reproduced:
        output.print(
            f"Of {valued.own.rows:,} values made by these models, {valued.unlike:,} differ by more than a cent and "
            f"{valued.other_sales:,} have other sales."
        )
    if not result.is_reproduced or (valued and not valued.is_reproduced):
        raise typer.Exit(EXIT_FINDING)


def _table_of_differences(title: str, rows: Mapping[str, "Differences"]) -> Table:
    table = Table("Rows of", "Rows", "Identical", "Mean, USD", "Mean absolute, USD", "Largest, USD", "Transaction")
    table.title = title
    for name, differences in rows.items():
        summary = differences.summary()
        table.add_row(
            name,
            f"{summary['rows']:,}",
            f"{summary['identical']:,}",
            f"{summary['mean_usd']:+,.2f}",
            f"{summary['mean_absolute_usd']:,.2f}",
            f"{summary['worst_usd']:+,.2f}",
            summary["worst_transaction"] or "",
            end_section=name == "this model",
        )
    return table


@app.command("realised-error")
def realised_error(
    log: LogUrl,
    start: From = None,
    end: To = None,
    as_json: Json = None,
) -> None:
    """Show the error on houses with a known sale price, by model version and month of sale."""
    check_time_range(start, end)
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.reader import open_log  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.realised_error import realised_errors  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.rows import Window  # noqa: PLC0415  # slow import

    with readable_errors():
        with open_log(log) as reader:
            errors = realised_errors(reader, Window(start, end))
        if as_json:
            content = {"version": 1, "errors": [error.to_json() for error in errors]}
            write_atomically(as_json, json.dumps(content, indent=2) + "\n")
    table = Table("Version", "Month of sale", "Sales", "MAE, USD", "RMSLE", "Coverage")
    for error in errors:
        cells = (f"{error.count:,}", f"{error.mae_usd:,.0f}", f"{error.rmsle:.4f}", f"{error.coverage:.1%}")
        table.add_row(error.model_version, error.month, *cells, end_section=error.month == "all")
    print_part(output, table if errors else "No house priced in this time range has a known sale price.")
