"""`housing-price models`: looks at the versions of the model in the registry, and moves them over the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from housing_price.remote.api import DEFAULT_URL, Api, Url, fail
from housing_price.stack.state import DEFAULT_STATE
from housing_price_model.cli.prediction_log import From, Json, To
from housing_price_model.cli.shadow import compare_with_shadow
from housing_price_model.errors import HousingPriceModelError
from housing_price_model.registry.names import DEFAULT_TRACKING_URI

if TYPE_CHECKING:
    from housing_price_model.lifecycle.overview import Compared

app = typer.Typer(no_args_is_help=True, help="Versions of the model: look at them, and move them through their life.")

# Plain names: typer does not look into `type` statements.
Version = Annotated[str, typer.Argument(help="The version's number in the registry.")]
Registry = Annotated[
    str, typer.Option("--tracking-uri", envvar="MLFLOW_TRACKING_URI", help="The registry: MLflow's tracking server.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the move.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the job to its end.")]
DEFAULT_LOG = f"sqlite:///{DEFAULT_STATE / 'predictions.db'}"
Key = Annotated[str | None, typer.Option(help="The same key is the same job.")]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except HousingPriceModelError as error:
        fail(str(error))


@app.command("list")
def list_versions(*, tracking_uri: Registry = DEFAULT_TRACKING_URI) -> None:
    """List all versions with their states."""
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - it loads slowly; --help does not wait

    with _told():
        lives = overview.all_versions(tracking_uri)
    table = Table("Version", "State", "RMSLE", "Registered", "Last move")
    for life in reversed(lives):
        rmsle = "" if life.rmsle is None else f"{life.rmsle:.4f}"
        last = f"{life.records[-1].at[:19]} {life.records[-1].action}" if life.records else ""
        table.add_row(life.version, life.state, rmsle, _time(life.registered_at_ms), last)
    Console().print(table)


@app.command()
def show(version: Version, *, tracking_uri: Registry = DEFAULT_TRACKING_URI) -> None:
    """Show a version: its state, its metrics, and who moved it when and why."""
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - the same

    with _told():
        life, metrics = overview.one_version(tracking_uri, version)
    table = Table(f"Version {life.version}", life.state, show_header=True)
    table.add_row("registered", _time(life.registered_at_ms))
    table.add_row("model", life.model_id or "")
    table.add_row("run", life.run_id or "")
    for name, value in sorted(metrics.items()):
        table.add_row(name, _number(name, value))
    Console().print(table)
    typer.echo(f"digest {life.digest or ''}")  # on a line of its own: a narrow table would cut it off
    moves = Table("When", "What", "From", "To", "By", "Why", "Job")
    for one in life.records:
        moves.add_row(one.at[:19], one.action, one.source, one.target, one.by, one.reason, one.job)
    Console().print(moves)


@app.command()
def compare(
    version: Version,
    *,
    other: Annotated[
        str | None, typer.Option("--with", help="The other one.", show_default="the champion; with --shadow: any")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A CSV with the survey's columns.", show_default="the Ames survey")
    ] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="What it said as a shadow, with what was answered.")] = False,
    log: Annotated[
        str,
        typer.Option(envvar="PREDICTION_LOG_URL", help="With --shadow: the prediction log."),
    ] = DEFAULT_LOG,
    start: From = None,
    end: To = None,
    as_json: Json = None,
    tracking_uri: Registry = DEFAULT_TRACKING_URI,
) -> None:
    """Compare a version with another: their metrics, and their answers for the same houses."""
    if shadow:
        if data is not None:
            fail("--shadow compares what was asked: it takes no --data")
        compare_with_shadow(version, log=log, answered_by=other, start=start, end=end, as_json=as_json)
        return
    if start or end or as_json:
        fail("--from, --to and --json are for --shadow")
    from housing_price_model.lifecycle import overview  # noqa: PLC0415 - the same
    from housing_price_model.survey.data import BUNDLED  # noqa: PLC0415 - the same

    with _told():
        other = other or overview.champion_of(tracking_uri)
        _print_comparison(overview.compare(tracking_uri, version, other, data or BUNDLED))


@app.command()
def promote(
    version: Version,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Let a version become the champion by a blue-green swap."""
    _move(url, version, "promote", {"reason": reason}, idempotency_key, watch=watch)


@app.command()
def rollback(
    version: Annotated[str | None, typer.Argument(help="Its number.", show_default="the champion")] = None,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Take a version out of service; for the champion, the one before it comes back."""
    if version is None:
        version = str(Api(url).ask("GET", "/models")["champion"]["version"])
    _move(url, version, "rollback", {"reason": reason}, idempotency_key, watch=watch)


@app.command()
def canary(
    version: Version,
    *,
    weight: Annotated[float, typer.Option(min=0, max=1, help="The share of the houses that it answers for.")],
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Let a challenger answer for a share of the houses, or change that share."""
    _move(url, version, "canary", {"reason": reason, "weight": weight}, idempotency_key, watch=watch)


@app.command()
def shadow(
    version: Version,
    *,
    sample: Annotated[float, typer.Option(min=0, max=1, help="The share of the requests that it sees.")] = 1.0,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Let a challenger price a copy of what is asked; it answers nobody."""
    _move(url, version, "shadow", {"reason": reason, "sample": sample}, idempotency_key, watch=watch)


@app.command()
def abort(
    version: Version,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """End the trial of a canary or a shadow."""
    _move(url, version, "abort", {"reason": reason}, idempotency_key, watch=watch)


@app.command()
def archive(
    version: Version,
    *,
    reason: Reason = "",
    watch: Watch = False,
    idempotency_key: Key = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Put a version that is not in service away."""
    _move(url, version, "archive", {"reason": reason}, idempotency_key, watch=watch)


def _move(url: str, version: str, action: str, body: dict[str, Any], key: str | None, *, watch: bool) -> None:
    api = Api(url)
    headers = {"idempotency-key": key} if key else {}
    job = api.ask("POST", f"/models/{version}/{action}", json=body, headers=headers)
    typer.echo(job["id"])
    if watch:
        api.follow(job["id"])


def _print_comparison(compared: "Compared") -> None:
    first, second = (f"Version {version}" for version in compared.versions)
    trained = Table("Its own training", first, second)
    for name in sorted(compared.registered[0].keys() & compared.registered[1].keys()):
        trained.add_row(name, *(_number(name, one[name]) for one in compared.registered))
    Console().print(trained)
    measured = Table(f"The same {compared.houses:,} houses", first, second)
    for name in compared.measured[0]:
        measured.add_row(name, *(_number(name, one[name]) for one in compared.measured))
    Console().print(measured)
    for version, is_fair in zip(compared.versions, compared.is_fair, strict=True):
        if not is_fair:
            typer.echo(f"Version {version} looks better than it is: it may have been trained on these houses.")
    apart = compared.differences
    typer.echo(
        f"Their prices are {apart.median:.2%} apart in the median, {apart.p95:.2%} or more for one house in twenty, "
        f"{apart.largest:.2%} at the most; {apart.far_apart:.1%} of the houses are more than 5 % apart."
    )


def _number(name: str, value: float) -> str:
    return f"{value:,.0f}" if name.endswith("_usd") else f"{value:.4f}"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(sep=" ", timespec="seconds")[:19]
