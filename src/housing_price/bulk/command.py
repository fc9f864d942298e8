"""`housing-price score`: prices a file of houses without an API, on this machine or on a Spark cluster."""

import os
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
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
LOCAL_MASTER: Final = "local[*]"
"""The master of Spark that runs in this process tree, on all cores."""
EXIT_REFUSED: Final = 3
"""Exit status if the file was scored, but rows were refused; as of `housing-price jobs`."""


class EngineName(StrEnum):
    """Where rows are priced."""

    LOCAL = "local"
    SPARK = "spark"


def score(
    *,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="URI",
            help="CSV, NDJSON or Parquet file of houses: a path, file:///... or, with `local`, a store such as s3://...",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="New file for the prices, .csv, .ndjson or .parquet. Refused rows are in OUTPUT.refused.ndjson.",
        ),
    ],
    engine: Annotated[
        EngineName, typer.Option(help="Price in processes of this machine, or on a Spark cluster.")
    ] = EngineName.LOCAL,
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
            min=1, max=256, help="Processes of `local`; each loads the model.", show_default="one for each core"
        ),
    ] = None,
    master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Master of the Spark cluster: spark://HOST:PORT.", show_default=LOCAL_MASTER),
    ] = None,
) -> None:
    """Price a file of houses without the API: the same prices, the same refused rows, at full speed."""
    # MLflow would write lines of its own form with a handler of its own.
    os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"
    try:
        open_engine = _engine_of(engine, processes, master)
        # MLflow and pandas load slowly, and `--help` does not need them.
        from housing_price.bulk.progress import shown_progress  # noqa: PLC0415
        from housing_price.bulk.score import Request  # noqa: PLC0415
        from housing_price.bulk.score import score as score_file  # noqa: PLC0415

        is_spark = engine is EngineName.SPARK
        request = Request(source, output, model, tracking_uri, digest, is_shared=is_spark)
        with shown_progress() as show:
            report = score_file(request, open_engine, show)
    except BulkError as error:
        echo(f"housing-price: {error}", err=True)
        raise typer.Exit(1) from error
    echo(summary_of(report))
    if report.tally.refused:
        raise typer.Exit(EXIT_REFUSED)


def _engine_of(engine: EngineName, processes: int | None, master: str | None) -> "OpenEngine":
    if engine is EngineName.LOCAL:
        if master is not None:
            raise BulkError("--master is an option of --engine spark")
        return _local_engine(processes or os.process_cpu_count() or 1)
    if processes is not None:
        raise BulkError("--processes is an option of --engine local: Spark decides how many tasks run at a time")
    return _spark_engine(LOCAL_MASTER if master is None else master)


def _local_engine(processes: int) -> "OpenEngine":
    from housing_price.bulk.engines.local import LocalEngine  # noqa: PLC0415 - as above

    def open_engine(export: Path, digest: str) -> nullcontext[LocalEngine]:
        return nullcontext(LocalEngine(export, digest, processes))

    return open_engine


def _spark_engine(master: str) -> "OpenEngine":
    from housing_price.bulk.engines.spark import open_spark  # noqa: PLC0415 - as above
    from housing_price.bulk.engines.spark_ready import check_ready  # noqa: PLC0415 - as above

    check_ready(master)
    return partial(open_spark, master)


def summary_of(report: "Report") -> str:
    """Describe in one line what was scored."""
    tally = report.tally
    refused = f", {tally.refused:,} refused ({report.output.refused_text})" if tally.refused else ""
    rate = f"{tally.rows / report.seconds:,.0f} rows/s" if report.seconds > 0 else "-"
    return (
        f"{tally.priced:,} priced{refused}: {report.output.text}, by {report.model.name} version "
        f"{report.model.version} ({rate})"
    )
