"""`python -m benchmarks run | report | profile`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.paths import RESULTS

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measures the services beside their alternatives.")


@app.command()
def run(
    quick: Annotated[
        bool, typer.Option("--quick", help="A short look: few levels, few contenders, short times.")
    ] = False,
    export: Annotated[Path | None, typer.Option(help="An exported model; without it one is trained.")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="`alone` or `with the model`; both without it.")] = None,
    only: Annotated[str, typer.Option(help="Only scenarios with this in their name; nothing is written.")] = "",
) -> None:
    """Measure, print the tables and write benchmarks/results/; fails when anything was answered wrong."""
    from benchmarks import report, scenarios  # noqa: PLC0415 - `report --help` need not load everything
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - the same
    from benchmarks.processes import NotReady  # noqa: PLC0415 - the same
    from benchmarks.run import run as measure  # noqa: PLC0415 - the same

    name = "quick" if quick else "bench"
    effort = scenarios.QUICK if quick else scenarios.FULL
    try:
        results = measure(effort, export=export and export.resolve(), stages=stage or [], only=only)
    except (NotReady, WrongAnswer) as error:
        # Before there was anything to measure: a server that does not start, or is wrong while it is warmed up.
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    typer.echo(report.as_text(results))
    if not (only or stage):
        path = RESULTS / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        typer.echo(f"written: benchmarks/results/{path.name}")
    if results["problems"]:
        typer.echo("\n".join(["", f"{len(results['problems'])} PROBLEM(S):", *results["problems"]]), err=True)
        sys.exit(1)


@app.command()
def report() -> None:
    """Write the tables of the last full run into benchmarks/README.md, and draw its plots."""
    from benchmarks import report as reporting  # noqa: PLC0415 - matplotlib loads slowly

    reporting.write()


@app.command()
def profile(
    seconds: Annotated[int, typer.Option(help="How long to watch.")] = 20,
    connections: Annotated[int, typer.Option(help="Connections that ask for single houses meanwhile.")] = 128,
    export: Annotated[Path | None, typer.Option(help="An exported model; without it one is trained.")] = None,
) -> None:
    """Watch the orchestrator under load and write where its time goes to benchmarks/results/profile.md."""
    from benchmarks import profiling  # noqa: PLC0415 - the same

    profiling.profile(seconds, connections, export and export.resolve())


if __name__ == "__main__":
    app()
