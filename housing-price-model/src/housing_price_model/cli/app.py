"""The command line. Further commands stand in the modules that are added below."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from housing_price_model.cli import candidate, observe, prediction_log, shadow, worker
from housing_price_model.console import TrackingUri, errors, output, readable_errors
from housing_price_model.errors import ServingError
from housing_price_model.registry.names import CHAMPION, DEFAULT_TRACKING_URI, NAME

app = typer.Typer(help="Trains, evaluates, exports and serves the house price model.", no_args_is_help=True)
app.add_typer(candidate.app)
app.add_typer(prediction_log.app)
app.add_typer(shadow.app)
app.add_typer(worker.app)
app.add_typer(observe.app)
# A plain name: typer does not look into `type` statements.
ModelUri = Annotated[str, typer.Option("--model", help="models:/NAME@ALIAS or models:/NAME/VERSION.")]

CHAMPION_URI = f"models:/{NAME}@{CHAMPION}"


@app.command()
def train(
    data: Annotated[Path | None, typer.Option(help="A CSV with the survey's columns. Default: the Ames data.")] = None,
    seed: Annotated[int, typer.Option(help="Of the folds and the trees.")] = 0,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    register: Annotated[bool, typer.Option(help="Register the model; better than the champion, it becomes it.")] = True,
    export_to: Annotated[Path | None, typer.Option(help="A folder to export the model to.")] = None,
) -> None:
    """Train, cross-validate, log to MLflow and register a model."""
    from housing_price_model.survey.data import BUNDLED  # noqa: PLC0415  # the same
    from housing_price_model.training import train as training  # noqa: PLC0415  # the same

    with readable_errors(), Progress(console=errors, transient=True) as bar:
        task = bar.add_task("Cross-validating", total=1.0)
        trained = training.train(
            tracking_uri,
            data or BUNDLED,
            seed,
            with_registration=register,
            export_to=export_to,
            progress=lambda stage, share: bar.update(task, description=stage, completed=share),
        )
    _print_metrics("Cross-validation", trained.metrics)
    if trained.registered:
        champion = ", the champion" if trained.is_champion else ""
        output.print(f"Registered {trained.registered.name} version {trained.registered.version}{champion}.")
    if export_to:
        output.print(f"Exported to {export_to}.")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="A CSV with the survey's columns, SalePrice among them.")],
    model: ModelUri = CHAMPION_URI,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Measure a registered model on houses (if it was trained on them, it looks better than it is)."""
    from housing_price_model.training import evaluate_registered  # noqa: PLC0415  # the same

    with readable_errors():
        name, measured = evaluate_registered.evaluate_registered(model, data, tracking_uri)
    _print_metrics(name, measured)


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="The folder to write.")],
    model: ModelUri = CHAMPION_URI,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Check a registered model's digest and write it, with a manifest, into a folder that does not hold it yet."""
    from housing_price_model.registry.export_version import export_registered  # noqa: PLC0415  # the same

    with readable_errors():
        manifest, was_written = export_registered(model, to, tracking_uri)
    what = f"{manifest.name} version {manifest.version}"
    output.print(f"Exported {what} to {to}." if was_written else f"{to} holds {what} already.")


@app.command()
def serve(
    folder: Annotated[Path | None, typer.Argument(help="An exported model; needs no tracking server.")] = None,
    model: Annotated[
        str | None, typer.Option(help="models:/NAME@ALIAS or models:/NAME/VERSION.", show_default=CHAMPION_URI)
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; loopback by default.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    *,
    digest: Annotated[
        str | None,
        typer.Option(
            envvar="HOUSING_PRICE_MODEL_DIGEST", help="Refuse any other model than that of this digest: sha256:..."
        ),
    ] = None,
) -> None:
    """Serve a model at /invocations and /ping until a signal ends it."""
    from housing_price_model.serving import server as serving  # noqa: PLC0415  # the same

    with readable_errors():
        if folder is not None and model is not None:
            raise ServingError(f"{folder} and --model {model}: there are two models to serve, give one of them")
        serving.serve(str(folder or model or CHAMPION_URI), tracking_uri, host, port, digest)


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="An exported folder, models:/..., or the URL of a model server.")],
    model: Annotated[
        str, typer.Option(help="For a URL: the model that should run there; a folder or models:/...")
    ] = CHAMPION_URI,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Ask for the prices of a few houses that are stored with the model: they must come back to the last bit.

    Ends with 3 if they do not.
    """
    from housing_price_model.serving import verify as verifying  # noqa: PLC0415  # the same

    with readable_errors():
        verified = verifying.verify(target, model, tracking_uri)
    if verified.differences:
        for difference in verified.differences:
            errors.print(difference, markup=False, highlight=False)
        output.print(f"{target} does not answer as {verified.model}.", markup=False, highlight=False)
        raise typer.Exit(prediction_log.NOT_AS_IT_SHOULD_BE)
    output.print(f"{target} answers as {verified.model}: {verified.asked} of {verified.asked} houses.", soft_wrap=True)


@app.command()
def figures(
    folder: Annotated[Path, typer.Argument(help="An exported model.")],
) -> None:
    """Measure an exported model on this machine and print the README's table."""
    from housing_price_model.training.benchmark_table import table  # noqa: PLC0415  # its libraries load slowly; --help does not wait

    with readable_errors():
        output.print(table(folder), markup=False, highlight=False, soft_wrap=True)


def _print_metrics(title: str, measured: dict[str, float]) -> None:
    table = Table("Measure", "Value", title=title)
    for name, value in measured.items():
        table.add_row(name, f"{value:,.0f}" if name.endswith("_usd") else f"{value:.4f}")
    output.print(table)
