"""Prices a file in steps, each of which begins where the last one ended, so that it can be done again after a crash."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.results import WRITERS, Priced, write_at
from housing_price_orchestrator.provider.jobs.rows import READERS, Row
from housing_price_orchestrator.shared.errors import HousingPriceError, InvalidDocument, JobInputUnusable
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

type Checkpoint = dict[str, int]
"""Where a step ended: bytes of the input, of the result and of what was refused, and the rows until there."""

START: Mapping[str, int] = {"inputBytes": 0, "resultBytes": 0, "refusedBytes": 0, "rows": 0, "refused": 0}

type PriceAll = Callable[[Sequence[AnyHouse]], Sequence[PriceEstimate | HousingPriceError]]
"""Prices houses in order, an error in the place of each that has no price; waits, and raises when it gives up."""


class FileScoring:
    """Counts a file, prices it step by step, and tidies up."""

    def __init__(
        self,
        files: FolderJobFiles,
        *,
        read: Callable[[bytes], AnyHouse],
        price: PriceAll,
        explain: Callable[[HousingPriceError], Mapping[str, Any]],
        rows_per_step: int,
    ) -> None:
        """Read houses with `read`, price them with `price`, tell what is wrong with a row by `explain`."""
        self._files = files
        self._read = read
        self._price = price
        self._explain = explain
        self._rows_per_step = rows_per_step

    def count(self, arguments: Mapping[str, Any]) -> int:
        """Count the rows of a file.

        Raises:
            JobInputUnusable: it cannot be read at all.
        """
        return sum(1 for _ in self._rows(arguments, 0))

    def step(self, job_id: str, arguments: Mapping[str, Any], begun: Mapping[str, int]) -> Checkpoint:
        """Price the next rows and write down what became of them; gives where it ended.

        The same step done again writes the same rows at the same place.
        """
        rows = list(islice(self._rows(arguments, begun["inputBytes"]), self._rows_per_step))
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
        head, write = WRITERS[arguments["format"]]
        result_path = self._files.result_path(job_id, arguments["format"])
        refused_path = self._files.refused_path(job_id)
        result_path.parent.mkdir(parents=True, exist_ok=True)
        content = write(priced)
        if begun["resultBytes"] == 0:
            content = head + content
        lines = b"".join(
            orjson.dumps({"row": number, **self._explain(error)}, default=str, option=orjson.OPT_APPEND_NEWLINE)
            for number, error in refused
        )
        return {
            "inputBytes": rows[-1].end if rows else begun["inputBytes"],
            "resultBytes": write_at(result_path, begun["resultBytes"], content),
            "refusedBytes": write_at(refused_path, begun["refusedBytes"], lines),
            "rows": begun["rows"] + len(rows),
            "refused": begun["refused"] + len(refused),
        }

    def tidy(self, arguments: Mapping[str, Any]) -> None:
        """Remove the file that came with a job that is done."""
        self._files.incoming_path(arguments["input"]).unlink(missing_ok=True)

    def _rows(self, arguments: Mapping[str, Any], offset: int) -> Iterator[Row]:
        path = self._files.incoming_path(arguments["input"])
        if not path.is_file():
            raise JobInputUnusable("The file that came with the job is gone.")
        return READERS[arguments["format"]](path).after(offset)

    def _house(self, row: Row) -> AnyHouse | HousingPriceError:
        if row.error is not None or row.document is None:
            return row.error or InvalidDocument([])
        try:
            return self._read(row.document)
        except InvalidDocument as error:
            return error
