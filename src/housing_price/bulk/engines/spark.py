"""Prices the splits of a file on a Spark cluster.

Spark runs one task per split. A task reads its rows from storage that all machines share, prices them, writes its parts
beside the result, and returns only their names and counts. So the rows never pass through the driver. A task that is
repeated, after a worker was lost, writes parts of other names; Spark returns the names of one attempt per task.

The driver fetches the model and broadcasts it. Each executor verifies its digest and needs no registry.
"""

import io
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from housing_price.bulk.files.parts import Order, Part
from housing_price.bulk.files.splits import Split
from housing_price.bulk.model import LoadedModel
from housing_price.bulk.progress import ShowProgress
from housing_price.bulk.score_split import score_split
from housing_price.errors import BulkError

STEP: Final = "pricing"

_PARTS_SCHEMA: Final = pa.schema(
    [("before", pa.int64()), ("rows", pa.int64()), ("refused", pa.int64()), ("name", pa.string())]
)
_PARTS_COLUMNS: Final = "before long, rows long, refused long, name string"
_PIECES_OF_A_ROW_GROUP: Final = 8
"""Tasks for one large row group. Each reads it from the start; eight make the whole job about a seventh slower."""
_REFRESH_SECONDS: Final = 0.5
_LOOPBACK: Final = "127.0.0.1"
_ON_THIS_MACHINE: Final = re.compile(r"local(\[.*\])?|spark://(127\.[0-9.]+|localhost):\d+")
_LAST_OF_TRACEBACK: Final = re.compile(r"^Traceback .*?\n(\S[^\n]*)$", re.MULTILINE | re.DOTALL)
_JAVA_EXCEPTION: Final = re.compile(r"^: (.*)$", re.MULTILINE)
_BULK_ERROR: Final = f"{BulkError.__module__}.{BulkError.__qualname__}: "
_MAX_REASON_CHARACTERS: Final = 300


class SparkEngine:
    """Prices splits as the tasks of one Spark job."""

    pieces: Final = _PIECES_OF_A_ROW_GROUP

    def __init__(self, session: Any, export: Path, digest: str) -> None:
        """Price in a Spark session, with the model of an export that has this digest."""
        self.session = session
        self._archive = session.sparkContext.broadcast(_zipped(export))
        self._digest = digest

    def score(self, order: Order, splits: Sequence[Split], show: ShowProgress) -> Iterator[Part]:
        """Yield the parts of all splits, in order.

        Raises:
            BulkError: A split cannot be priced, or the cluster failed.
        """
        total = sum(split.rows for split in splits)
        # The partition of each number is its own, so each split is a task.
        numbers = self.session.range(0, len(splits), 1, len(splits))
        task = _task(order, splits, self._archive, self._digest)
        table = numbers.mapInArrow(task, _PARTS_COLUMNS)
        with _spark_errors("the Spark job failed"), ThreadPoolExecutor(1) as thread:
            job = thread.submit(table.collect)
            completed = 0
            try:
                while not wait([job], timeout=_REFRESH_SECONDS).done:
                    completed = max(completed, self._completed_tasks())
                    show(STEP, completed * total // len(splits), total)
            except BaseException:
                self.session.sparkContext.cancelAllJobs()
                raise
            found = job.result()
        show(STEP, total, total)
        yield from sorted((Part(*row) for row in found), key=lambda part: part.before)

    def _completed_tasks(self) -> int:
        tracker = self.session.sparkContext.statusTracker()
        stages = (tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds())
        return sum(stage.numCompletedTasks for stage in stages if stage is not None)


@contextmanager
def open_spark(master: str, export: Path, digest: str) -> Iterator[SparkEngine]:
    """Start a Spark session, with `spark-defaults.conf` and the variables of Spark as its configuration.

    Raises:
        BulkError: The session cannot be started.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an optional dependency

    # The executors need the Python and the packages of this process, by default at the same place.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("housing-price score")
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    if _ON_THIS_MACHINE.fullmatch(master):
        os.environ.setdefault("SPARK_LOCAL_IP", _LOOPBACK)
        builder = builder.config("spark.driver.bindAddress", _LOOPBACK).config("spark.driver.host", _LOOPBACK)
    with _spark_errors(f"Spark cannot be started with --master {master}"):
        session = builder.getOrCreate()
    try:
        yield SparkEngine(session, export, digest)
    finally:
        session.stop()


def _task(
    order: Order, splits: Sequence[Split], archive: Any, digest: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                parts = score_split(order, splits[number], _model_of(archive, digest))
                yield pa.RecordBatch.from_pylist([part._asdict() for part in parts], schema=_PARTS_SCHEMA)

    return score_task


_models: dict[str, LoadedModel] = {}
"""The model of this Python process, by digest: Spark runs many tasks in one process."""


def _model_of(archive: Any, digest: str) -> LoadedModel:
    if digest not in _models:
        os.environ["MLFLOW_CONFIGURE_LOGGING"] = "false"
        with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
            with zipfile.ZipFile(io.BytesIO(archive.value)) as file:
                file.extractall(folder)
            _models[digest] = LoadedModel(Path(folder), digest)
    return _models[digest]


def _zipped(export: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(export.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(export))
    return content.getvalue()


@contextmanager
def _spark_errors(problem: str) -> Iterator[None]:
    """Turn the errors of Spark, which have many lines, into a `BulkError` of one line."""
    try:
        yield
    except BulkError:
        raise
    except Exception as error:
        reason = _reason_of(str(error)) or type(error).__name__
        if reason.startswith(_BULK_ERROR):
            raise BulkError(reason.removeprefix(_BULK_ERROR)) from error
        raise BulkError(f"{problem}: {reason[:_MAX_REASON_CHARACTERS]}") from error


def _reason_of(text: str) -> str:
    """Return the line of an error that says why: the last one of a Python traceback, or the exception of Java."""
    found = _LAST_OF_TRACEBACK.findall(text)[-1:] or _JAVA_EXCEPTION.findall(text) or text.split("\n")
    return str(next(filter(None, map(str.strip, found)), ""))
