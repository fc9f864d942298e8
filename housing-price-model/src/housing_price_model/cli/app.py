"""The `housing-price-model` command line.

Commands import their libraries when they run, so that `--help` is fast.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import Progress

from housing_price_model.cli import candidate, evaluate, observe, prediction_log, shadow, worker
from housing_price_model.cli.log_options import EXIT_FINDING
from housing_price_model.console import (
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    TrackingUri,
    errors,
    output,
    readable_errors,
    start_service_logs,
)
from housing_price_model.errors import ServingError
from housing_price_model.registry.names import CHAMPION, DEFAULT_TRACKING_URI, NAME, version_page
from housing_price_model.settings import check_names
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.environment.secret_files import UnusableSecretFile, read_secret_files
from housing_price_platform.environment.variables import SharedVariable, UnknownVariables
from housing_price_platform.orders.moves import ServedModel
from housing_price_platform.orders.seed import MAX_SEED
from housing_price_platform.output.terminal import clean_output

if TYPE_CHECKING:
    from housing_price_model.training.outcome import Outcome

app = typer.Typer(no_args_is_help=True)
app.add_typer(evaluate.app)
app.add_typer(candidate.app)
app.add_typer(prediction_log.app)
app.add_typer(shadow.app)
app.add_typer(worker.app)
app.add_typer(observe.app)
# A plain assignment, because typer does not resolve `type` aliases.
ModelUri = Annotated[
    str,
    typer.Option("--model", help="Registered model: models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST."),
]

CHAMPION_URI: Final = f"models:/{NAME}@{CHAMPION}"


@app.callback()
def main(context: typer.Context) -> None:
    """Train, evaluate, export and serve the house price model."""
    context.with_resource(clean_output())
    # MLflow, which commands import when they run, imports OpenTelemetry.
    for warning in ignore_invalid(os.environ):
        errors.print(f"warning: {warning}")
    try:
        check_names()
        read_secret_files(os.environ)
    except (UnknownVariables, UnusableSecretFile) as error:
        errors.print(f"error: {error}")
        raise typer.Exit(2) from error


@app.command()
def train(
    data: Annotated[
        Path | None, typer.Option(help="CSV, NDJSON or Parquet file of sold houses. Default: the bundled Ames data.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed for the folds and the trees.")] = 0,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    register: Annotated[
        bool,
        typer.Option(
            help="Register the models. A model becomes the champion if there is none, or if none has been served yet "
            "and it is better."
        ),
    ] = True,
    export_to: Annotated[
        Path | None,
        typer.Option(
            help="Also export the models: the price model to this folder, the comparables model to its subfolder "
            "`comparables`."
        ),
    ] = None,
) -> None:
    """Train, cross-validate, log to MLflow and register the price model and the comparables model."""
    from housing_price_model.survey.data import BUNDLED  # noqa: PLC0415  # slow import
    from housing_price_model.training import train as training  # noqa: PLC0415  # slow import

    with readable_errors(), Progress(console=errors, transient=True) as progress_bar:
        task = progress_bar.add_task("Cross-validating", total=1.0)
        trained = training.train(
            tracking_uri,
            data or BUNDLED,
            seed,
            with_registration=register,
            export_to=export_to,
            progress=lambda stage, fraction: progress_bar.update(task, description=stage, completed=fraction),
        )
    evaluate.print_metrics("Cross-validation", trained.metrics)
    for outcome, model in ((trained, ServedModel.PRICE), (trained.comparables, ServedModel.COMPARABLES)):
        _print_outcome(outcome, model, tracking_uri)
    if export_to:
        output.print(f"Exported to {export_to}.")


@app.command()
def export(
    to: Annotated[Path, typer.Option(help="Folder to write the export to.")],
    model: ModelUri = CHAMPION_URI,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Export a registered model, with a manifest, to a folder.

    The model's digest is verified first. A folder that already holds this version is left unchanged.
    """
    from housing_price_model.registry.export_version import export_registered  # noqa: PLC0415  # slow import

    with readable_errors():
        manifest, was_written = export_registered(model, to, tracking_uri)
    model_version = f"{manifest.name} version {manifest.version}"
    output.print(f"Exported {model_version} to {to}." if was_written else f"{to} already contains {model_version}.")


@app.command()
def serve(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of an exported model; no tracking server needed.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Registered model: models:/NAME@ALIAS, models:/NAME/VERSION or models:/NAME@DIGEST.",
            show_default=CHAMPION_URI,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 selects a free port.")] = 8080,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    *,
    digest: Annotated[
        str | None,
        typer.Option(envvar=SharedVariable.MODEL_DIGEST, help="Serve the model only if it has this digest: sha256:..."),
    ] = None,
    log_format: LogFormatOption = LogFormat.AUTO,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Serve a model at /invocations and /ping until SIGTERM or SIGINT."""
    start_service_logs("model-server", log_format, log_level)
    from housing_price_model.serving import server as serving  # noqa: PLC0415  # slow import

    with readable_errors():
        if folder is not None and model is not None:
            raise ServingError(f"{folder} and --model {model}: two models given, specify only one")
        serving.serve(str(folder or model or CHAMPION_URI), tracking_uri, host, port, digest)


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="Folder of an exported model, models:/..., or URL of a model server.")],
    model: Annotated[
        str, typer.Option(help="For a URL: the model expected there, a folder or models:/...")
    ] = CHAMPION_URI,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Check that a model or model server reproduces the golden answers stored with the model, bit for bit.

    Exits with status 3 if any answer differs.
    """
    from housing_price_model.serving import verify as verifying  # noqa: PLC0415  # slow import

    with readable_errors():
        verification = verifying.verify(target, model, tracking_uri)
    if verification.differences:
        for difference in verification.differences:
            errors.print(difference)
        output.print(f"{target} does not reproduce the golden answers of {verification.model}.")
        raise typer.Exit(EXIT_FINDING)
    houses = f"{verification.houses} of {verification.houses} houses identical"
    output.print(f"{target} reproduces the golden answers of {verification.model}: {houses}.", soft_wrap=True)


@app.command()
def figures(
    folder: Annotated[Path, typer.Argument(help="Folder of an exported model.")],
) -> None:
    """Measure an exported model on this machine and print the benchmark table of the README."""
    from housing_price_model.training.benchmark_table import benchmark_table  # noqa: PLC0415  # slow import

    with readable_errors():
        output.print(benchmark_table(folder), soft_wrap=True)


def _print_outcome(outcome: "Outcome", model: ServedModel, tracking_uri: str) -> None:
    """Print the outcome of a training for one of its models."""
    if outcome.same_as:
        output.print(
            f"Nothing changed: this model is identical to {outcome.name} version {outcome.same_as}. "
            "Nothing was registered.",
            soft_wrap=True,
        )
    if outcome.registered:
        version = outcome.registered.version
        champion = ", the champion" if outcome.is_champion else ""
        output.print(f"Registered {outcome.name} version {version}{champion}.")
        if outcome.serving and not outcome.is_champion:
            which = "" if model is ServedModel.PRICE else f" --model {model}"
            output.print(
                f"Version {outcome.serving} is still served: `housing-price models promote {version}{which}` "
                "replaces it.",
                soft_wrap=True,
            )
    version_number = outcome.same_as or (outcome.registered.version if outcome.registered else None)
    if version_number and (page := version_page(tracking_uri, version_number, outcome.name)):
        output.print(f"Open it at {page}", soft_wrap=True)
