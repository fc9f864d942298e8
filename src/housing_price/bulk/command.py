"""`housing-price score`: prices a file of houses without an API, in processes of this machine."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from housing_price.errors import BulkError
from housing_price_model.registry.names import CHAMPION, DEFAULT_TRACKING_URI, NAME
from housing_price_model.settings import TRACKING_URI
from housing_price_platform.environment.variables import SharedVariable
from housing_price_platform.output.terminal import echo

if TYPE_CHECKING:
    from housing_price.bulk.score import OpenEngine, Report

CHAMPION_URI: Final = f"models:/{NAME}@{CHAMPION}"
EXIT_REFUSED: Final = 3
"""Exit status if the file was scored, but rows were refused; as of `housing-price jobs`."""


def score(
    *,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="URI",
            help="CSV, NDJSON or Parquet file of houses: a path, file:///... or a store such as s3://...",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="New file for the prices, .csv, .ndjson or .parquet. Refused rows are in OUTPUT.refused.ndjson.",
        ),
    ],
    model: Annotated[
        str, typer.Option(metavar="URI", help="Exported folder, models:/NAME@ALIAS or models:/NAME/VERSION.")
    ] = CHAMPION_URI,
    digest: Annotated[
        str | None,
        typer.Option(envvar=SharedVariable.MODEL_DIGEST, help="Price only if the model has this digest: sha256:..."),
    ] = None,
    tracking_uri: Annotated[
        str, typer.Option(envvar=TRACKING_URI, help="URL of the MLflow tracking server, for models:/...")
    ] = DEFAULT_TRACKING_URI,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="Processes that price; each loads the model.", show_default="one for each core"
        ),
    ] = None,
) -> None:
    """Price a file of houses without the API: the same prices, the same refused rows, at full speed."""
    # MLflow would write lines of its own form with a handler of its own.
    os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"
    try:
        open_engine = _local_engine(processes or os.process_cpu_count() or 1)
        # MLflow and pandas load slowly, and `--help` does not need them.
        from housing_price.bulk.progress import shown_progress  # noqa: PLC0415
        from housing_price.bulk.score import Request  # noqa: PLC0415
        from housing_price.bulk.score import score as score_file  # noqa: PLC0415

        request = Request(source, output, model, tracking_uri, digest)
        with shown_progress() as show:
            report = score_file(request, open_engine, show)
    except BulkError as error:
        echo(f"housing-price: {error}", err=True)
        raise typer.Exit(1) from error
    echo(summary_of(report))
    if report.tally.refused:
        raise typer.Exit(EXIT_REFUSED)


def _local_engine(processes: int) -> "OpenEngine":
    from housing_price.bulk.engines.local import LocalEngine  # noqa: PLC0415 - as above

    def open_engine(export: Path, digest: str) -> nullcontext[LocalEngine]:
        return nullcontext(LocalEngine(export, digest, processes))

    return open_engine


def summary_of(report: "Report") -> str:
    """Describe in one line what was scored."""
    tally = report.tally
    refused = f", {tally.refused:,} refused ({report.output.refused_text})" if tally.refused else ""
    rate = f"{tally.rows / report.seconds:,.0f} rows/s" if report.seconds > 0 else "-"
    return (
        f"{tally.priced:,} priced{refused}: {report.output.text}, by {report.model.name} version "
        f"{report.model.version} ({rate})"
    )
