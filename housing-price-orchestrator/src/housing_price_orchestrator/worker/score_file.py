"""Prices a file in steps, each of which begins where the last one ended, so that it can be done again after a crash."""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.shared.errors import HousingPriceError, InvalidDocument, JobInputUnusable
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.parquet import convert
from housing_price_orchestrator.worker.priced_rows import Priced
from housing_price_orchestrator.worker.read_rows import READERS, Row
from housing_price_orchestrator.worker.write_results import NO_PARQUET, join_bytes, result_format, write_whole

type Checkpoint = dict[str, Any]
"""Where a step ended: the byte of the input, the rows until there, how many were refused, and the part it wrote."""

START: Mapping[str, Any] = {"bytes": 0, "rows": 0, "refused": 0, "part": None}

type PriceAll = Callable[[Sequence[AnyHouse]], Sequence[PriceEstimate | HousingPriceError]]
"""Prices houses in order, an error in the place of each that has no price; waits, and raises when it gives up."""


@dataclass(frozen=True)
class Source:
    """A file of houses."""

    path: Path
    format: str
    """`csv` or `ndjson`, whose rows are its lines; or `parquet`, which is to be converted first."""


class FileScoring:
    """Counts a file, prices it step by step, puts the parts together, and tidies up.

    Each step writes a part whose name no other attempt has, and tells that name as its result: the parts that count are
    those that the checkpoints name. What an attempt left behind that did not come to its checkpoint is read by nobody.
    """

    def __init__(
        self,
        files: FolderJobFiles,
        *,
        read: Callable[[bytes], AnyHouse],
        price: PriceAll,
        explain: Callable[[HousingPriceError], Mapping[str, Any]],
        rows_per_step: int,
        max_file_bytes: int,
    ) -> None:
        """Read houses with `read`, price them with `price`, tell what is wrong with a row by `explain`.

        No file, nor what it is converted to, may have more than `max_file_bytes`.
        """
        self._files = files
        self._read = read
        self._price = price
        self._explain = explain
        self._rows_per_step = rows_per_step
        self._max_file_bytes = max_file_bytes

    def source_of(self, arguments: Mapping[str, Any]) -> Source:
        """Tell which file came with a job that came with one."""
        return Source(self._files.incoming_path(arguments["input"]), arguments["format"])

    def convert(self, job_id: str, source: Source) -> str:
        """Write the rows of a file of parquet as lines; gives the name of the file they are in.

        Raises:
            JobInputUnusable: it cannot be read; says why.
        """
        if not convert.is_there():
            raise JobInputUnusable(NO_PARQUET)
        name = f"{secrets.token_hex(8)}.ndjson"
        _check_is_there(source.path)
        convert.convert(source.path, self._files.work_path(job_id) / name, limit_bytes=self._max_file_bytes)
        return name

    def made(self, job_id: str, name: str) -> Source:
        """Tell which file a step has made in the folder of a job."""
        return Source(self._files.work_path(job_id) / name, name.rpartition(".")[2])

    def count(self, source: Source) -> int:
        """Count the rows of a file.

        Raises:
            JobInputUnusable: it cannot be read at all.
        """
        return sum(1 for _ in _rows(source, 0))

    def step(self, job_id: str, source: Source, result: str, begun: Mapping[str, Any]) -> Checkpoint:
        """Price the next rows and write down, in the format `result`, what became of them; gives where it ended."""
        writing = result_format(result)
        rows = list(islice(_rows(source, begun["bytes"]), self._rows_per_step))
        numbers, houses = [], []
        refused: list[tuple[int, HousingPriceError]] = []
        for number, row in enumerate(rows, begun["rows"] + 1):
            house = self._house(row)
            if isinstance(house, HousingPriceError):
                refused.append((number, house))
            else:
                numbers.append(number)
                houses.append(house)
        priced: list[Priced] = []
        for number, house, outcome in zip(numbers, houses, self._price(houses), strict=True):
            if isinstance(outcome, HousingPriceError):
                refused.append((number, outcome))
            else:
                priced.append((number, house.id, outcome))
        refused.sort(key=lambda one: one[0])
        lines = b"".join(
            orjson.dumps({"row": number, **self._explain(error)}, default=str, option=orjson.OPT_APPEND_NEWLINE)
            for number, error in refused
        )
        part = f"{begun['rows']:012d}-{secrets.token_hex(8)}"
        parts = _Parts(self._files.work_path(job_id))
        content = writing.write(priced)
        write_whole(parts.priced(part), lambda file: file.write(content))
        write_whole(parts.refused(part), lambda file: file.write(lines))
        return {
            "bytes": rows[-1].end if rows else begun["bytes"],
            "rows": begun["rows"] + len(rows),
            "refused": begun["refused"] + len(refused),
            "part": part,
        }

    def join(self, job_id: str, result: str, parts: Sequence[str]) -> None:
        """Put the parts of the steps together as the files that are collected."""
        work = _Parts(self._files.work_path(job_id))
        priced, refused = [work.priced(one) for one in parts], [work.refused(one) for one in parts]
        write_whole(self._files.result_path(job_id, result), lambda file: result_format(result).join(priced, file))
        write_whole(self._files.refused_path(job_id), lambda file: join_bytes(refused, file))

    def tidy(self, job_id: str, arguments: Mapping[str, Any]) -> None:
        """Remove what a job that has come to its end needs no more."""
        shutil.rmtree(self._files.work_path(job_id), ignore_errors=True)
        if "output" in arguments:
            self._files.remove_results(job_id)
        else:
            self._files.incoming_path(arguments["input"]).unlink(missing_ok=True)

    def _house(self, row: Row) -> AnyHouse | HousingPriceError:
        if row.error is not None or row.document is None:
            return row.error or InvalidDocument([])
        try:
            return self._read(row.document)
        except InvalidDocument as error:
            return error


@dataclass(frozen=True)
class _Parts:
    """Where the parts of a job are."""

    folder: Path

    def priced(self, name: str) -> Path:
        return self.folder / f"{name}.priced"

    def refused(self, name: str) -> Path:
        return self.folder / f"{name}.refused"


def _rows(source: Source, offset: int) -> Iterator[Row]:
    _check_is_there(source.path)
    return READERS[source.format](source.path).after(offset)


def _check_is_there(path: Path) -> None:
    if not path.is_file():
        raise JobInputUnusable("The file that came with the job is gone.")
