"""The commands that read the prediction log: `housing-price-model drift | replay | realised-error`."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from housing_price_model.console import TrackingUri, output, readable_errors
from housing_price_model.registry.names import DEFAULT_TRACKING_URI

app = typer.Typer()

NOT_AS_IT_SHOULD_BE: Final = 3
"""The exit status of a finding: the drift alarm, prices that are not reproduced. 1 is a mistake, 2 a wrong option."""

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _time(text: str) -> datetime:
    """Read a time; one without a zone is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} should be a time like 2026-11-21 or 2026-11-21T06:30:00Z") from exc
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def read_duration(text: str) -> timedelta:
    """Read how long: 90s, 15m, 24h, 7d."""
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not found:
        raise typer.BadParameter(f"{text!r} should be a number with s, m, h or d, like 90s, 15m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


LogUrl = Annotated[
    str,
    typer.Option(
        "--log", envvar="PREDICTION_LOG_URL", help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
    ),
]
From = Annotated[datetime | None, typer.Option("--from", parser=_time, metavar="TIME", help="The first time, in UTC.")]
To = Annotated[
    datetime | None, typer.Option("--to", parser=_time, metavar="TIME", help="The time before which it ends, in UTC.")
]
ModelId = Annotated[str | None, typer.Option(help="Only prices of the model with this identity.")]
Json = Annotated[Path | None, typer.Option("--json", help="A file for the result as JSON.")]


@app.command()
def drift(
    *,
    log: LogUrl,
    start: From = None,
    end: To = None,
    last: Annotated[
        timedelta | None,
        typer.Option(parser=read_duration, metavar="DURATION", help="Instead of --from and --to: so long until now."),
    ] = None,
    model_id: ModelId = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Where a profile is: a folder or models:/...; may be repeated. Default: the registry."),
    ] = None,
    silent: Annotated[
        list[str] | None,
        typer.Option(
            help="A column that is shown and raises no alarm; may be repeated.", show_default="MoSold, YrSold"
        ),
    ] = None,
    as_json: Json = None,
    html: Annotated[Path | None, typer.Option(help="A file for the report as a page that loads nothing.")] = None,
    metrics: Annotated[Path | None, typer.Option(help="A file for Prometheus' textfile collector.")] = None,
    every: Annotated[
        timedelta | None,
        typer.Option(
            parser=read_duration, metavar="DURATION", help="Check again and again until a signal; needs --last."
        ),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="With --every: a port at which Prometheus scrapes /metrics; 0: a free one."
        ),
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="The address of that port; loopback by default.")] = "127.0.0.1",
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Compare the prediction log with what its models were trained on.

    Ends with 0 if nothing raises the alarm, 3 if something does, 1 if nothing could be judged.
    """
    from housing_price_model.drift import run as running  # noqa: PLC0415  # its libraries load slowly; --help does not wait
    from housing_price_model.drift.compare import CALENDAR  # noqa: PLC0415  # the same

    if last and (start or end):
        raise typer.BadParameter("--last stands instead of --from and --to")
    if every and not last:
        raise typer.BadParameter("--every needs --last: each check looks at so long until then")
    if metrics_port is not None and not every:
        raise typer.BadParameter("--metrics-port needs --every; a single check writes --metrics FILE")
    asked = running.Asked(
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
            running.repeat(asked, every, None if metrics_port is None else (metrics_host, metrics_port))
        elif running.once(asked).is_alarm:
            raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command()
def replay(
    *,
    log: LogUrl,
    model: Annotated[str, typer.Option(help="What prices them again: a folder or models:/...")],
    start: From = None,
    end: To = None,
    model_id: ModelId = None,
    as_json: Json = None,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Price logged rows again and tell how the prices differ.

    Ends with 0 if every price that this very model had made comes back bit for bit, with 3 if not.
    """
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # the same
    from housing_price_model.prediction_log import replay as replaying  # noqa: PLC0415  # the same
    from housing_price_model.prediction_log.reader import Window, opened  # noqa: PLC0415  # the same

    with readable_errors():
        with opened(log) as found:
            done = replaying.replay(found, Window(start, end), model, tracking_uri, model_id)
        if as_json:
            write_atomically(as_json, json.dumps(done.to_json(), indent=2) + "\n")
    table = Table("Rows of", "Rows", "Identical", "Mean, USD", "Mean size, USD", "Worst, USD", "Where")
    table.title = f"Priced again by {done.name} version {done.version} ({done.model_id})"
    rows = {"all models": done.total, "this model": done.own, **dict(sorted(done.by_group.items()))}
    for name, differences in rows.items():
        found_ = differences.summary()
        table.add_row(
            name,
            f"{found_['rows']:,}",
            f"{found_['identical']:,}",
            f"{found_['mean_usd']:+,.2f}",
            f"{found_['mean_absolute_usd']:,.2f}",
            f"{found_['worst_usd']:+,.2f}",
            found_["worst_transaction"] or "",
            end_section=name == "this model",
        )
    output.print(table)
    if not done.is_reproduced:
        changed = done.own.rows - done.own.identical
        output.print(f"{changed:,} of {done.own.rows:,} prices that this model had made did not come back the same.")
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


@app.command("realised-error")
def realised_error(
    log: LogUrl,
    start: From = None,
    end: To = None,
    as_json: Json = None,
) -> None:
    """Tell how far off the prices were of houses that were sold since, by model version and month of sale."""
    from housing_price_model.atomic_write import write_atomically  # noqa: PLC0415  # its libraries load slowly
    from housing_price_model.prediction_log.reader import Window, opened  # noqa: PLC0415  # the same
    from housing_price_model.prediction_log.realised_error import realised_errors  # noqa: PLC0415  # the same

    with readable_errors():
        with opened(log) as found:
            measured = realised_errors(found, Window(start, end))
        if as_json:
            content = {"version": 1, "errors": [one.to_json() for one in measured]}
            write_atomically(as_json, json.dumps(content, indent=2) + "\n")
    table = Table("Version", "Month of sale", "Sales", "MAE, USD", "RMSLE", "Coverage")
    for one in measured:
        figures = (f"{one.count:,}", f"{one.mae_usd:,.0f}", f"{one.rmsle:.4f}", f"{one.coverage:.1%}")
        table.add_row(one.model_version, one.month, *figures, end_section=one.month == "all")
    output.print(table if measured else "No sale price is known of a house that was priced in this time.")
