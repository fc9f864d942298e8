"""`python -m benchmarks run | report | profile | model-server | beside | faults`."""

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


@app.command("model-server")
def model_server(
    export: Annotated[Path | None, typer.Option(help="An exported model; without it one is trained.")] = None,
) -> None:
    """Time each step of a call inside the model server, and write benchmarks/results/model-server.md."""
    from benchmarks import model_server as steps  # noqa: PLC0415 - MLflow loads slowly

    steps.measure(export and export.resolve())


@app.command()
def beside(
    feature: Annotated[str, typer.Argument(help="`shadow`: one that hangs; `tracing`: to a collector.")],
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured; the median counts.")] = 6,
    seconds: Annotated[float, typer.Option(min=1, help="How long each time.")] = 10.0,
    export: Annotated[Path | None, typer.Option(help="An exported model; without it one is trained.")] = None,
) -> None:
    """Measure the orchestrator with a feature beside the same without it; fail where a promise does not hold."""
    from benchmarks.feature_cost import FEATURES  # noqa: PLC0415 - `report --help` need not load everything

    if feature not in FEATURES:
        typer.echo(f"error: {feature!r} is not measured; there are {', '.join(FEATURES)}", err=True)
        sys.exit(2)
    compared = FEATURES[feature](rounds, seconds, export and export.resolve())
    typer.echo(compared.as_text())
    if compared.broken:
        sys.exit(1)


@app.command()
def faults(
    only: Annotated[str, typer.Option(help="Only scenarios with this in their name.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Little time; figures are not judged and not kept.")] = False,
    export: Annotated[Path | None, typer.Option(help="An exported model; without it one is trained.")] = None,
    minutes: Annotated[float | None, typer.Option(help="How long each of the long scenarios takes.")] = None,
) -> None:
    """Really cause each fault, print what holds, and fail where a promise does not."""
    from benchmarks.faults import results_file, run  # noqa: PLC0415 - `report --help` need not load everything

    results = run.run(only=only, export=export and export.resolve(), is_quick=quick, minutes=minutes)
    if not results["scenarios"]:
        names = ", ".join(scenario.name for scenario in run.SCENARIOS)
        typer.echo(f"error: no scenario has {only!r} in its name; there are {names}", err=True)
        sys.exit(2)
    typer.echo(results_file.as_markdown(results))
    if not quick:
        results_file.keep(results)
        typer.echo("written: benchmarks/results/faults.json, benchmarks/results/faults.md")
    if broken := run.broken_promises(results):
        typer.echo("\n".join(["", f"{len(broken)} PROMISE(S) NOT HELD:", *broken]), err=True)
        sys.exit(1)


if __name__ == "__main__":
    app()
