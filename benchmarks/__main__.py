"""The commands of `python -m benchmarks`; `--help` lists them."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.paths import RESULTS

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Benchmark the price services against their alternatives."
)


@app.command()
def run(
    quick: Annotated[
        bool, typer.Option("--quick", help="Short run: fewer load levels, fewer contenders, shorter times.")
    ] = False,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
    stage: Annotated[
        list[str] | None, typer.Option(help="Run only this stage: `over the stub` or `with the model`.")
    ] = None,
    only: Annotated[str, typer.Option(help="Run only scenarios whose name contains this text. Writes no file.")] = "",
) -> None:
    """Run the benchmarks, print the tables and write benchmarks/results/. Fails on any wrong answer."""
    from benchmarks import report, scenarios  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.processes import NotReady  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.run import run as measure  # noqa: PLC0415 - keeps `--help` fast

    name = "quick" if quick else "bench"
    run_length = scenarios.QUICK if quick else scenarios.FULL
    try:
        results = measure(run_length, export=export and export.resolve(), stages=stage or [], only=only)
    except (NotReady, WrongAnswer) as error:
        # A server did not start, or answered wrong during warm-up, before any measurement.
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
    """Write the tables of the last full run into benchmarks/README.md and draw its plots."""
    from benchmarks import report as readme_report  # noqa: PLC0415 - matplotlib loads slowly

    readme_report.write()


@app.command()
def profile(
    seconds: Annotated[int, typer.Option(help="Duration of the profile.")] = 20,
    connections: Annotated[int, typer.Option(help="Concurrent connections that request single houses.")] = 128,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Profile the orchestrator under load and write benchmarks/results/profile.md."""
    from benchmarks import profiling  # noqa: PLC0415 - keeps `--help` fast

    profiling.profile(seconds, connections, export and export.resolve())


@app.command("model-server")
def model_server(
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Time each step of a call inside the model server and write benchmarks/results/model-server.md."""
    from benchmarks import model_server as steps  # noqa: PLC0415 - MLflow loads slowly

    steps.measure(export and export.resolve())


@app.command()
def beside(
    feature: Annotated[
        str, typer.Argument(help="`shadow` (one that never answers) or `tracing` (export to a collector).")
    ],
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements per variant; the median is reported.")] = 6,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of one measurement.")] = 10.0,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Compare the orchestrator with and without a feature. Fails if the feature costs more than promised."""
    from benchmarks.feature_cost import FEATURES  # noqa: PLC0415 - keeps `--help` fast

    if feature not in FEATURES:
        typer.echo(f"error: unknown feature {feature!r}; choose from {', '.join(FEATURES)}", err=True)
        sys.exit(2)
    comparison = FEATURES[feature](rounds, seconds, export and export.resolve())
    typer.echo(comparison.as_text())
    if comparison.broken_promises:
        sys.exit(1)


@app.command()
def checkouts(
    others: Annotated[list[Path], typer.Argument(help="Folders of other checkouts, each with its own `.venv`.")],
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements per checkout and load.")] = 6,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of one measurement.")] = 4.0,
    only: Annotated[str, typer.Option(help="Measure only loads whose name contains this text.")] = "",
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Compare the orchestrator of this checkout with those of other checkouts."""
    from benchmarks.checkouts import compare  # noqa: PLC0415 - keeps `--help` fast

    named = {path.resolve().name: path.resolve() for path in others}
    typer.echo(compare(named, rounds, seconds, only, export and export.resolve()))


@app.command()
def explanation(
    count: Annotated[int, typer.Option("--houses", min=1, help="Number of houses, drawn at random.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Compare explanations with exact Shapley values; with the default houses, writes docs/explanation.md."""
    from benchmarks import explanation as deviation  # noqa: PLC0415 - keeps `--help` fast

    table = deviation.as_table(deviation.measure(export and export.resolve(), count, seed))
    typer.echo(table)
    if (count, seed) == (200, 0):
        deviation.write(table)


@app.command("valuation-page")
def valuation_page(
    url: Annotated[str, typer.Option(help="Address of a running stack.")] = "http://127.0.0.1:8000",
) -> None:
    """Value the example house with a running stack, and write its comparison grid into docs/valuation.md."""
    from benchmarks import valuation_page as page  # noqa: PLC0415 - keeps `--help` fast

    table = page.grid(json.loads(page.HOUSE.read_bytes()), page.fetch(url))
    typer.echo(table)
    page.write(table)


@app.command("page-screenshots")
def page_screenshots(
    url: Annotated[str, typer.Option(help="Address of a running stack.")] = "http://127.0.0.1:8000",
) -> None:
    """Take the pictures of the page for docs/images of a running stack, with headless Chromium."""
    from benchmarks import page_screenshots as page  # noqa: PLC0415 - keeps `--help` fast

    try:
        written = page.take(url)
    except page.NoBrowser as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    for path in written:
        typer.echo(f"{path} ({path.stat().st_size:,} bytes)")


@app.command()
def valuations(
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements per kind of request.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of one measurement.")] = 4.0,
    export: Annotated[Path | None, typer.Option(help="Folder of exported models. Default: train them.")] = None,
) -> None:
    """Compare valuations with prices and write benchmarks/results/valuations.md. Fails if a target is missed."""
    from benchmarks import valuations as measured  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.processes import NotReady  # noqa: PLC0415 - keeps `--help` fast

    try:
        lines = measured.measure(rounds, seconds, export and export.resolve())
    except (NotReady, WrongAnswer) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    table = measured.as_table(lines)
    typer.echo(table)
    measured.write(table)
    if any(line.is_reached is False for line in lines):
        sys.exit(1)


@app.command()
def grpc(
    rounds: Annotated[int, typer.Option(min=1, help="Number of measurements per interface; the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration of a measurement of single houses.")] = 5.0,
    houses: Annotated[int, typer.Option(min=1, help="Houses of a stream.")] = 100_000,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Compare gRPC with HTTP: latency at one connection, and a stream; writes results/grpc.md."""
    from benchmarks import rpc as measured  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.processes import NotReady  # noqa: PLC0415 - keeps `--help` fast

    try:
        table = measured.as_table(measured.measure(rounds, seconds, houses, export and export.resolve()))
    except (NotReady, WrongAnswer) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    typer.echo(table)
    measured.write(table)


@app.command()
def jobs(
    rows: Annotated[int, typer.Option(min=1, help="Rows of each job.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of each measurement beside the jobs.")] = 10.0,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Score a large file of each format, and write benchmarks/results/jobs.md. Fails if a target is missed."""
    from benchmarks import jobs as measured  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.processes import NotReady  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.valuations import as_table  # noqa: PLC0415 - keeps `--help` fast

    try:
        lines = measured.measure(rows, seconds, export and export.resolve())
    except (NotReady, WrongAnswer) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    table = as_table(lines)
    typer.echo(table)
    measured.write(table)
    if any(line.is_reached is False for line in lines):
        sys.exit(1)


@app.command()
def bulk(
    rows: Annotated[int, typer.Option(min=1, help="Rows of each file.")] = 1_000_000,
    only: Annotated[
        list[str] | None, typer.Option("--format", help="Only files of this format: csv, ndjson or parquet.")
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
) -> None:
    """Measure `housing-price score` with each engine; 1,000,000 rows of all formats are written into docs/bulk.md."""
    from benchmarks import bulk as measured  # noqa: PLC0415 - keeps `--help` fast
    from benchmarks.load import WrongAnswer  # noqa: PLC0415 - keeps `--help` fast

    formats = only or list(measured.FORMATS)
    if unknown := set(formats) - set(measured.FORMATS):
        typer.echo(f"error: unknown format {', '.join(unknown)}; choose from {', '.join(measured.FORMATS)}", err=True)
        sys.exit(2)
    try:
        table = measured.as_table(measured.measure(rows, formats, export and export.resolve()))
    except WrongAnswer as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    typer.echo(table)
    if rows == measured.DOCUMENTED_ROWS and len(formats) == len(measured.FORMATS):
        measured.write(table)


@app.command()
def faults(
    only: Annotated[str, typer.Option(help="Run only scenarios whose name contains this text.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Short run: timing promises are not checked and nothing is written.")
    ] = False,
    export: Annotated[Path | None, typer.Option(help="Folder of an exported model. Default: train one.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Duration of each long scenario.")] = None,
) -> None:
    """Inject each fault into real processes and report which promises hold. Fails if one does not."""
    from benchmarks.faults import results_file, run  # noqa: PLC0415 - keeps `--help` fast

    results = run.run(only=only, export=export and export.resolve(), is_quick=quick, minutes=minutes)
    if not results["scenarios"]:
        names = ", ".join(scenario.name for scenario in run.SCENARIOS)
        typer.echo(f"error: no scenario name contains {only!r}; choose from {names}", err=True)
        sys.exit(2)
    typer.echo(results_file.as_markdown(results))
    if not quick:
        results_file.save(results)
        typer.echo("written: benchmarks/results/faults.json, benchmarks/results/faults.md")
    if broken := run.broken_promises(results):
        typer.echo("\n".join(["", f"{len(broken)} PROMISE(S) NOT HELD:", *broken]), err=True)
        sys.exit(1)


if __name__ == "__main__":
    app()
