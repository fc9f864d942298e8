"""Scores one file: finds the files, fetches the model, lets an engine price the splits, and joins the results."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from housing_price.bulk.files.locations import InputFile, Place, deliver, find_input, find_output, local_input
from housing_price.bulk.files.parts import Order, Part
from housing_price.bulk.files.results import ResultWriter, Tally
from housing_price.bulk.files.splits import Split, plan_splits
from housing_price.bulk.model import fetch_model
from housing_price.bulk.progress import ShowProgress
from housing_price.errors import BulkError
from housing_price_model.artefact.export import Manifest

_PREFIX: Final = "housing-price-score-"


class Engine(Protocol):
    """Prices the splits of a file."""

    @property
    def pieces(self) -> int:
        """Number of splits that are priced at the same time."""
        ...

    def score(self, order: Order, splits: Sequence[Split], show: ShowProgress, /) -> Iterator[Part]:
        """Yield the parts of all splits, in order; each row is in one part.

        Raises:
            BulkError: A split cannot be priced.
        """
        ...


type OpenEngine = Callable[[Path, str], AbstractContextManager[Engine]]
"""Opens an engine that prices with the model of an export, which must have a digest."""


@dataclass(frozen=True)
class Request:
    """A file to score."""

    input: str
    """Path or URI of the houses."""
    output: str
    """Path or URI of the result."""
    model: str
    """An exported folder, or `models:/...`."""
    tracking_uri: str
    pinned_digest: str | None
    """The digest that the model must have; None to accept the recorded one."""
    is_shared: bool
    """Whether other machines read the input and write parts, so that both must be beside the output."""


@dataclass(frozen=True)
class Report:
    """What was scored."""

    tally: Tally
    model: Manifest
    seconds: float
    """Time from reading the first row to the complete result, without the start of the engine."""
    output: Place


def score(request: Request, open_engine: OpenEngine, show: ShowProgress) -> Report:
    """Score a file.

    Raises:
        BulkError: The file cannot be scored, and no result was made. If that is because no row has a price, the refused
            rows were written.
    """
    source = find_input(request.input)
    output = find_output(request.output, source)
    if request.is_shared and (source.path is None or output.path is None):
        raise BulkError("with --engine spark, --input and --output must be files on storage that all machines share")
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as private:
        show("fetching the model")
        export = Path(private) / "model"
        manifest = fetch_model(request.model, request.tracking_uri, request.pinned_digest, export)
        result = output.path.absolute() if output.path else Path(private) / f"result.{output.format}"
        with (
            local_input(source, Path(private)) as file,
            _parts_folder(result.parent if request.is_shared else Path(private)) as parts,
            # The engine ends before the folder is removed, in which its tasks write.
            open_engine(export, manifest.digest) as engine,
        ):
            order = Order(file, output.format, parts, is_durable=request.is_shared)
            started = time.monotonic()
            tally = _score(engine, order, result, show)
            seconds = time.monotonic() - started
        if output.path is None:
            show("storing the result")
            deliver(result, output)
    _check_some_priced(tally, output)
    return Report(tally, manifest, seconds, output)


def _score(engine: Engine, order: Order, result: Path, show: ShowProgress) -> Tally:
    show("counting rows")
    splits = plan_splits(order.source, engine.pieces)
    if not splits:
        raise BulkError(f"{order.source.path}: the file has no rows")
    writer = ResultWriter(result, order.output_format, order.parts, _size_of(order.source))
    writer.write(engine.score(order, splits, show))
    expected = sum(split.rows for split in splits)
    if writer.tally.rows != expected:
        raise BulkError(f"{writer.tally.rows} of {expected} rows were priced: {result} is incomplete")
    return writer.tally


def _check_some_priced(tally: Tally, output: Place) -> None:
    if not tally.priced:
        raise BulkError(
            f"none of the {tally.refused:,} rows was priced. The refused rows say why: {output.refused_text}"
        )


@contextmanager
def _parts_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder with the permissions that the umask allows: tasks of Spark may run as another user."""
    folder = parent / f".{_PREFIX}{secrets.token_hex(8)}"
    try:
        folder.mkdir()
    except OSError as error:
        raise BulkError(f"{parent}: cannot be written ({error.strerror or error})") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size_of(source: InputFile) -> int:
    return source.path.stat().st_size
