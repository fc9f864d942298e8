"""`housing-price-model candidate`: train a candidate and register it as challenger if it passes the gate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import Progress
from rich.table import Table

from housing_price_model.cli.log_options import EXIT_FINDING
from housing_price_model.console import TrackingUri, errors, output, readable_errors
from housing_price_model.registry.names import DEFAULT_TRACKING_URI
from housing_price_platform.orders.seed import MAX_SEED
from housing_price_platform.output.tables import print_table

if TYPE_CHECKING:
    from housing_price_model.candidate.steps import Candidate

app = typer.Typer()

RUNS: Final = Path(".housing-price") / "candidates"


@app.command()
def candidate(
    *,
    data: Annotated[
        Path | None, typer.Option(help="CSV, NDJSON or Parquet file of sold houses. Default: the bundled Ames data.")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            "--log", help="Add the sales in this prediction log to the data: sqlite:///FILE or postgresql://..."
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="With --log: start of the time range, in UTC.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="With --log: end of the time range (exclusive), in UTC.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed for the folds and the trees.")] = 0,
    search: Annotated[bool, typer.Option(help="Search for a better recipe first; takes about twice as long.")] = False,
    gate: Annotated[Path | None, typer.Option(help="TOML file with limits that override the defaults.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="TOML file with recipe parameters that override the defaults.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; an interrupted run resumes where it stopped.")
    ] = None,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Train a candidate, compare it with the champion, and register it as challenger if it passes the gate.

    Exits with status 3 if the candidate fails the gate; nothing is registered then.
    """
    from housing_price_model.candidate import steps  # noqa: PLC0415  # slow import
    from housing_price_model.candidate.limits import Limits  # noqa: PLC0415  # slow import
    from housing_price_model.candidate.parameters import (  # noqa: PLC0415  # slow import
        Connections,
        Parameters,
        Source,
        read_recipe,
        read_time,
    )
    from housing_price_model.fitting.pipeline import Recipe  # noqa: PLC0415  # slow import

    with readable_errors():
        source = Source.PREDICTION_LOG if log else Source.CSV if data else Source.BUNDLED
        parameters = Parameters(
            source=source,
            data=str(data.absolute()) if data else None,
            start=read_time(start, "--from") if start else None,
            end=read_time(end, "--to") if end else None,
            seed=seed,
            search=search,
            limits=Limits.read(gate) if gate else Limits(),
            recipe=read_recipe(recipe) if recipe else Recipe(),
        )
        connections = Connections(tracking_uri, log)
        folder = run or RUNS / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        started_run = steps.start(folder, parameters, connections)
        with Progress(console=errors, transient=True) as progress_bar:
            task = progress_bar.add_task("Starting", total=1.0)
            result = steps.perform(
                started_run,
                connections,
                lambda stage, fraction: progress_bar.update(task, description=stage, completed=fraction),
                lambda step, _result, was_done: output.print(f"{step.name}: {'done' if was_done else 'already done'}"),
            )
    _print_result(result)
    if not result.passed:
        raise typer.Exit(EXIT_FINDING)


def _print_comparables(result: "Candidate") -> None:
    comparables = result.comparables or {}
    if version := comparables.get("version"):
        output.print(f"Registered the comparables as version {version}, now their challenger.")
    elif same_as := comparables.get("same_as"):
        output.print(f"The comparables are identical to their version {same_as}, and were not registered again.")


def _print_result(result: "Candidate") -> None:
    table = Table("Check", "Result", "Details", title="Promotion gate")
    for check in result.gate:
        table.add_row(check["check"], "passed" if check["passed"] else "FAILED", check["says"])
    print_table(output, table)
    card = result.folder / "card" / "model-card.html"
    _print_comparables(result)
    if result.version is not None:
        output.print(f"Registered as version {result.version}, now the challenger. Model card: {card}", soft_wrap=True)
        return
    if result.same_as is not None:
        output.print(
            f"The price model is identical to version {result.same_as}, and was not registered again. "
            f"Model card: {card}",
            soft_wrap=True,
        )
        return
    failed = [check["check"] for check in result.gate if not check["passed"]]
    output.print(f"Nothing was registered: {len(failed)} gate check(s) failed. Model card: {card}", soft_wrap=True)
