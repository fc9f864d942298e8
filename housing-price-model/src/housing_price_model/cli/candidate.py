"""The command that goes from data to a challenger: `housing-price-model candidate`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import Progress
from rich.table import Table

from housing_price_model.cli.prediction_log import NOT_AS_IT_SHOULD_BE
from housing_price_model.console import TrackingUri, errors, output, readable_errors
from housing_price_model.registry.names import DEFAULT_TRACKING_URI

if TYPE_CHECKING:
    from housing_price_model.candidate.steps import Candidate

app = typer.Typer()

RUNS: Final = Path(".housing-price") / "candidates"


@app.command()
def candidate(
    *,
    data: Annotated[Path | None, typer.Option(help="A CSV with the survey's columns. Default: the Ames data.")] = None,
    log: Annotated[
        str | None,
        typer.Option(
            "--log", help="Take the sales of this prediction log, added to the data: sqlite:///FILE or postgresql://..."
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Of the log: the first time, in UTC.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Of the log: the time before which it ends.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the folds and the trees.")] = 0,
    search: Annotated[bool, typer.Option(help="Look for a better recipe first; takes about twice as long.")] = False,
    gate: Annotated[Path | None, typer.Option(help="A TOML file with limits in place of the default ones.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with parts of the recipe to train.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="The folder of the run; one that was interrupted goes on where it was.")
    ] = None,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Train a candidate, compare it with the champion, and register it as challenger if it passes the gate.

    Ends with 0 if it does, with 3 if not: then nothing is registered.
    """
    from housing_price_model.candidate import steps  # noqa: PLC0415  # its libraries load slowly; --help does not wait
    from housing_price_model.candidate.limits import Limits  # noqa: PLC0415  # the same
    from housing_price_model.candidate.parameters import (  # noqa: PLC0415  # the same
        Parameters,
        Source,
        Surroundings,
        read_recipe,
        read_time,
    )
    from housing_price_model.fitting.pipeline import Recipe  # noqa: PLC0415  # the same

    with readable_errors():
        source = Source.PREDICTION_LOG if log else Source.CSV if data else Source.BUNDLED
        asked = Parameters(
            source=source,
            data=str(data.absolute()) if data else None,
            start=read_time(start, "--from") if start else None,
            end=read_time(end, "--to") if end else None,
            seed=seed,
            search=search,
            limits=Limits.read(gate) if gate else Limits(),
            recipe=read_recipe(recipe) if recipe else Recipe(),
        )
        surroundings = Surroundings(tracking_uri, log)
        folder = run or RUNS / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        started = steps.start(folder, asked, surroundings)
        with Progress(console=errors, transient=True) as bar:
            task = bar.add_task("Starting", total=1.0)
            done = steps.perform(
                started,
                surroundings,
                lambda stage, share: bar.update(task, description=stage, completed=share),
                lambda step, _result, was_done: output.print(f"{step.name}: {'done' if was_done else 'done before'}"),
            )
    _tell(done)
    if not done.passed:
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _tell(done: "Candidate") -> None:
    table = Table("Check", "", "Found", title="The gate")
    for one in done.gate:
        table.add_row(one["check"], "passed" if one["passed"] else "FAILED", one["says"])
    output.print(table)
    card = done.folder / "card" / "model-card.html"
    if done.version is not None:
        output.print(f"Registered as version {done.version}, the challenger. Its card: {card}", soft_wrap=True)
        return
    failed = [one["check"] for one in done.gate if not one["passed"]]
    output.print(f"Nothing was registered: {len(failed)} check(s) of the gate failed. Its card: {card}", soft_wrap=True)
