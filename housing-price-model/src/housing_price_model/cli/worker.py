"""The command that does jobs: `housing-price-model worker`, which trains, or moves versions through their life."""

import socket
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from housing_price_model.cli.prediction_log import read_duration
from housing_price_model.console import TrackingUri, readable_errors
from housing_price_model.registry.names import DEFAULT_TRACKING_URI

app = typer.Typer()

_RUNS: Final = Path(".housing-price") / "candidates"
_SERVING: Final = Path(".housing-price") / "serving"


class Which(StrEnum):
    """Whose jobs are done."""

    TRAINING = "training"
    LIFECYCLE = "lifecycle"


@app.command()
def worker(
    *,
    database: Annotated[
        str,
        typer.Option(
            envvar="HOUSING_PRICE_JOBS_URL", help="The database of the jobs: sqlite:///FILE or postgresql://..."
        ),
    ],
    queue: Annotated[Which, typer.Option(help="Which jobs: training, or moving versions.")] = Which.TRAINING,
    runs: Annotated[Path, typer.Option(help="Where each job has its folder; keep it between two starts.")] = _RUNS,
    name: Annotated[
        str | None, typer.Option(help="The same at each start, and of no other worker.", show_default="this machine's")
    ] = None,
    data_folder: Annotated[Path | None, typer.Option(help="The only folder from which jobs may read data.")] = None,
    log: Annotated[str | None, typer.Option("--log", envvar="PREDICTION_LOG_URL", help="The prediction log.")] = None,
    retrain: Annotated[
        str | None, typer.Option(metavar="CRON", help="Train unasked, in UTC: `0 3 * * 1` is Mondays at three.")
    ] = None,
    drift_over: Annotated[
        timedelta | None,
        typer.Option(
            parser=read_duration, metavar="DURATION", help="With --retrain: only if the log drifted in so long."
        ),
    ] = None,
    retention: Annotated[
        timedelta | None,
        typer.Option(
            parser=read_duration, metavar="DURATION", help="For training: how long jobs are kept after their end."
        ),
    ] = None,
    serving: Annotated[Path, typer.Option(help="For lifecycle: the folder that says what is served.")] = _SERVING,
    drain_seconds: Annotated[
        float,
        typer.Option(
            min=0,
            max=600,
            envvar="HOUSING_PRICE_DRAIN_SECONDS",
            help="For lifecycle: how long a model server runs on, out of service.",
        ),
    ] = 5.0,
    ready_within_seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="For lifecycle: how long a model server may take to start.")
    ] = 120.0,
    tracking_uri: TrackingUri = DEFAULT_TRACKING_URI,
) -> None:
    """Do the jobs of a queue until a signal ends it; what was under way goes on at the next start."""
    if queue is Which.LIFECYCLE:
        from housing_price_model.lifecycle.move_steps import Moving  # noqa: PLC0415  # they load slowly
        from housing_price_model.lifecycle.serving_folder import ServingFolder  # noqa: PLC0415  # the same
        from housing_price_model.lifecycle.worker import run as run_lifecycle  # noqa: PLC0415  # the same
        from housing_price_model.lifecycle.workflow import Lifecycle  # noqa: PLC0415  # the same
        from housing_price_model.worker.database import open_jobs  # noqa: PLC0415  # the same

        with readable_errors():
            moving = Moving(ServingFolder(serving.absolute()), tracking_uri, drain_seconds, ready_within_seconds)
            run_lifecycle(open_jobs(database), name or socket.gethostname(), Lifecycle(moving))
        return
    from housing_price_model.candidate.parameters import Source, Surroundings  # noqa: PLC0415  # they load slowly
    from housing_price_model.worker.database import open_jobs  # noqa: PLC0415  # the same
    from housing_price_model.worker.worker import Retraining, run  # noqa: PLC0415  # the same
    from housing_price_model.worker.workflow import Training  # noqa: PLC0415  # the same

    if drift_over and not (retrain and log):
        raise typer.BadParameter("--drift-over needs --retrain, which says when to look, and --log")
    with readable_errors():
        source = Source.PREDICTION_LOG if log else Source.BUNDLED
        run(
            open_jobs(database),
            name or socket.gethostname(),
            Training(runs.absolute(), Surroundings(tracking_uri, log), data_folder),
            Retraining(retrain, str(source), drift_over) if retrain else None,
            retention,
        )
