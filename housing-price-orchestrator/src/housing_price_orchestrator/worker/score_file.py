"""Scores a file in steps. Each step starts at the checkpoint of the previous one: a crash repeats at most one."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.shared.errors import HousingPriceError, JobInputUnusable
from housing_price_orchestrator.worker.parquet import convert
from housing_price_orchestrator.worker.price_rows import PriceEach, StepPricing, WarningsOf
from housing_price_orchestrator.worker.read_rows import BLOCKS, ReadHouse, count_rows, read_rows
from housing_price_orchestrator.worker.refused_rows import RefusedOfStep, last_line
from housing_price_orchestrator.worker.write_results import PARQUET_NOT_INSTALLED, concatenate, result_format
from housing_price_platform.files import write_atomically

type Checkpoint = dict[str, Any]
"""The end of a step: input byte offset, rows read, rows refused, and the name of the part it wrote.

Also the size of the refused rows so far, and how many are unlisted because their file is full.
"""

START: Final[Mapping[str, Any]] = {
    "bytes": 0,
    "rows": 0,
    "refused": 0,
    "refusedBytes": 0,
    "unlisted": 0,
    "part": None,
}
"""The checkpoint before the first step."""

MAX_CONVERTED_RATIO: Final = 64
"""Maximum size of a converted file, relative to the Parquet file: houses take 2 to 13 times as much as blocks."""
MIN_CONVERTED_BYTES: Final = 8 * 1024 * 1024
"""A small Parquet file may be converted into this many bytes."""

STEP_SECONDS: Final = 2.0
"""Time after which a step begins no further block of rows: a crash costs about as much work."""


@dataclass(frozen=True)
class InputFile:
    """An input file of houses."""

    path: Path
    format: str
    """`csv`, `ndjson`, `blocks`, or `parquet`, which must be converted to blocks first."""


class FileScoring:
    """Counts the rows of a file, scores it step by step, joins the parts, and cleans up.

    Each attempt at a step writes a part with a unique name and returns that name as part of its checkpoint. Only parts
    named by checkpoints are joined, so leftovers of crashed attempts are ignored.
    """

    def __init__(
        self,
        files: FolderJobFiles,
        *,
        read: ReadHouse,
        price: PriceEach,
        warnings_of: WarningsOf,
        describe_error: Callable[[HousingPriceError], Mapping[str, Any]],
        rows_per_step: int,
        max_file_bytes: int,
    ) -> None:
        """Parse houses with `read`, price them with `price`, and describe a refused row with `describe_error`.

        Results in JSON have the warnings that `warnings_of` returns.
        Input files, and the files they are converted to, are limited to `max_file_bytes`.
        """
        self._files = files
        self._read = read
        self._price = price
        self._warnings_of = warnings_of
        self._describe_error = describe_error
        self._rows_per_step = rows_per_step
        self._max_file_bytes = max_file_bytes

    def uploaded_file(self, arguments: Mapping[str, Any]) -> InputFile:
        """Return the uploaded file of a job."""
        return InputFile(self._files.incoming_path(arguments["input"]), arguments["format"])

    def convert(self, job_id: str, source: InputFile) -> str:
        """Convert a Parquet file to blocks of rows and return the name of the new file in the job's work folder.

        Raises:
            JobInputUnusable: the file cannot be read.
        """
        if not convert.is_supported():
            raise JobInputUnusable(PARQUET_NOT_INSTALLED)
        name = f"{secrets.token_hex(8)}.{BLOCKS}"
        _check_exists(source.path)
        max_bytes = min(self._max_file_bytes, max(MIN_CONVERTED_BYTES, MAX_CONVERTED_RATIO * _size_of(source.path)))
        convert.convert(source.path, self._files.work_path(job_id) / name, max_bytes=max_bytes)
        return name

    def work_file(self, job_id: str, name: str) -> InputFile:
        """Return a file that an earlier step wrote to the job's work folder."""
        return InputFile(self._files.work_path(job_id) / name, name.rpartition(".")[2])

    def count(self, source: InputFile) -> int:
        """Count the rows of a file.

        Raises:
            JobInputUnusable: the file cannot be read.
        """
        return count_rows(source.path, source.format)

    def score_step(
        self,
        job_id: str,
        source: InputFile,
        output_format: str,
        checkpoint: Mapping[str, Any],
        original: InputFile,
        *,
        total: int,
    ) -> Checkpoint:
        """Price rows for a while and write them as one part in the given format; returns the new checkpoint.

        The size of the `original` input file, before any conversion, limits the size of the refused rows. Rows after
        the `total` rows that were counted are not read.

        Raises:
            JobInputUnusable: the file cannot be read, or has fewer rows than were counted.
        """
        result_writer = result_format(output_format)
        after = read_rows(source.path, source.format, self._read, offset=checkpoint["bytes"], count=checkpoint["rows"])
        refused = RefusedOfStep(
            self._describe_error,
            # A job that began with an earlier release has no figures of its refused rows.
            written_bytes=checkpoint.get("refusedBytes", 0),
            unlisted=checkpoint.get("unlisted", 0),
            input_bytes=_size_of(original.path),
        )
        step = StepPricing(
            after,
            self._price,
            refused.add,
            warnings_of=self._warnings_of if result_writer.has_warnings else None,
            done=checkpoint["rows"],
            end=checkpoint["bytes"],
            max_rows=min(self._rows_per_step, total - checkpoint["rows"]),
            max_seconds=STEP_SECONDS,
        )
        content = result_writer.write(step.priced_rows())
        if step.done == checkpoint["rows"] < total:
            # Without this error the job would take such steps for ever.
            raise JobInputUnusable(
                f"The input file changed while the job was running. It had {total} rows, and now has {step.done}."
            )
        part_name = f"{checkpoint['rows']:012d}-{secrets.token_hex(8)}"
        parts = _Parts(self._files.work_path(job_id))
        write_atomically(parts.priced(part_name), content, parents=True)
        write_atomically(parts.refused(part_name), refused.lines(), parents=True)
        return {
            "bytes": step.end,
            "rows": step.done,
            "refused": checkpoint["refused"] + refused.count,
            "refusedBytes": refused.written_bytes,
            "unlisted": refused.unlisted,
            "part": part_name,
        }

    def join(
        self, job_id: str, output_format: str, parts: Sequence[str], checkpoint: Mapping[str, Any], original: InputFile
    ) -> None:
        """Join the parts into the result file and the file of refused rows, which says how many rows are unlisted."""
        work = _Parts(self._files.work_path(job_id))
        priced, refused = [work.priced(name) for name in parts], [work.refused(name) for name in parts]
        write_atomically(
            self._files.result_path(job_id, output_format),
            lambda file: result_format(output_format).join(priced, file),
            parents=True,
        )

        def write_refused_rows(file: BinaryIO) -> None:
            concatenate(refused, file)
            if unlisted := checkpoint.get("unlisted", 0):
                file.write(last_line(unlisted, _size_of(original.path)))

        write_atomically(self._files.refused_path(job_id), write_refused_rows, parents=True)

    def clean_up(self, job_id: str, arguments: Mapping[str, Any]) -> None:
        """Remove the files that a finished job no longer needs."""
        shutil.rmtree(self._files.work_path(job_id), ignore_errors=True)
        if "output" in arguments:
            self._files.remove_results(job_id)
        else:
            self._files.incoming_path(arguments["input"]).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Parts:
    """Paths of the part files of one job."""

    folder: Path

    def priced(self, name: str) -> Path:
        return self.folder / f"{name}.priced"

    def refused(self, name: str) -> Path:
        return self.folder / f"{name}.refused"


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_exists(path: Path) -> None:
    if not path.is_file():
        raise JobInputUnusable("The input file of this job no longer exists.")
