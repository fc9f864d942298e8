"""`housing-price-model worker`: run training jobs or lifecycle jobs (moves of versions)."""

import socket
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from housing_price_model.cli.log_options import parse_duration
from housing_price_model.console import (
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    TrackingUri,
    readable_errors,
    start_service_logs,
)
from housing_price_model.registry.names import DEFAULT_TRACKING_URI
from housing_price_platform.environment.variables import SharedVariable

if TYPE_CHECKING:
    from housing_price_model.worker.workflow import Training

app = typer.Typer()

_RUNS: Final = Path(".housing-price") / "candidates"
_SERVING: Final = Path(".housing-price") / "serving"


class JobQueue(StrEnum):
    """The queue whose jobs a worker runs."""

    TRAINING = "training"
    LIFECYCLE = "lifecycle"


@app.command()
def worker(
    *,
    database: Annotated[
        str,
        typer.Option(envvar=SharedVariable.JOBS_URL, help="Database of the jobs: sqlite:///FILE or postgresql://..."),
    ],
    queue: Annotated[
        JobQueue, typer.Option(help="Jobs to run: training, or moves of versions (lifecycle).")
    ] = JobQueue.TRAINING,
    runs: Annotated[
        Path, typer.Option(help="Folder that holds one folder per job; must persist across restarts.")
    ] = _RUNS,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the worker: unique, and the same at each start.", show_default="host name"),
    ] = None,
    data_folder: Annotated[Path | None, typer.Option(help="The only folder that jobs may read data from.")] = None,
    log: Annotated[
        str | None, typer.Option("--log", envvar=SharedVariable.PREDICTION_LOG_URL, help="The prediction log.")
    ] = None,
    retrain: Annotated[
        str | None,
        typer.Option(metavar="CRON", help="Train on this schedule, in UTC: `0 3 * * 1` is Mondays at 03:00."),
    ] = None,
    drift_over: Annotated[
        timedelta | None,
        typer.Option(
            parser=parse_duration,
            metavar="DURATION",
            help="With --retrain: only if the log has drifted during the last DURATION.",
        ),
    ] = None,
    retention: Annotated[
        timedelta | None,
        typer.Option(parser=parse_duration, metavar="DURATION", help="For training: delete finished jobs of this age."),
    ] = None,
    serving: Annotated[
        Path, typer.Option(help="For lifecycle: serving folder, shared with the runner and the orchestrator.")
    ] = _SERVING,
    drain_seconds: Annotated[
        float,
        typer.Option(
            min=0,
            max=600,
            envvar=SharedVariable.DRAIN_SECONDS,
            help="For lifecycle: time that a model server keeps running after it leaves service.",
        ),
    ] = 5.0,
    ready_within_seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="For lifecycle: maximum start-up time of a model server.")
    ] = 120.0,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
    log_format: LogFormatOption = LogFormat.AUTO,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Run the jobs of a queue until SIGTERM or SIGINT; interrupted jobs resume at the next start."""
    start_service_logs(f"{queue}-worker", log_format, log_level)
    if queue is JobQueue.LIFECYCLE:
        from housing_price_model.lifecycle.move_steps import MoveSteps  # noqa: PLC0415  # slow import
        from housing_price_model.lifecycle.serving_folder import ServingFolder  # noqa: PLC0415  # slow import
        from housing_price_model.lifecycle.worker import run as run_lifecycle  # noqa: PLC0415  # slow import
        from housing_price_model.lifecycle.workflow import Lifecycle  # noqa: PLC0415  # slow import
        from housing_price_model.worker.database import open_jobs  # noqa: PLC0415  # slow import

        with readable_errors():
            move_steps = MoveSteps(ServingFolder(serving.absolute()), tracking_uri, drain_seconds, ready_within_seconds)
            run_lifecycle(open_jobs(database), name or socket.gethostname(), Lifecycle(move_steps))
        return
    from housing_price_model.worker.database import open_jobs  # noqa: PLC0415  # slow import
    from housing_price_model.worker.worker import Retraining, run  # noqa: PLC0415  # slow import

    def load_training() -> "Training":
        from housing_price_model.candidate.parameters import Connections  # noqa: PLC0415  # slow import
        from housing_price_model.worker.workflow import Training  # noqa: PLC0415  # slow import

        return Training(runs.absolute(), Connections(tracking_uri, log), data_folder)

    if drift_over and not (retrain and log):
        raise typer.BadParameter("--drift-over requires --retrain, the schedule of the checks, and --log")
    with readable_errors():
        run(
            open_jobs(database),
            name or socket.gethostname(),
            runs.absolute(),
            load_training,
            retraining=Retraining(retrain, "prediction-log" if log else "bundled", drift_over) if retrain else None,
            retention=retention,
        )
