"""Small files do not become large ones: what is made of an input is limited, and says when it was cut."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories import house_json
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.shared.errors import InvalidDocument, JobInputUnusable
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_orchestrator.worker.parquet.blocks import POSITION_BYTES
from housing_price_orchestrator.worker.refused_rows import (
    MAX_BYTES_PER_ROW,
    MIN_TOTAL_BYTES,
    describe_error,
    last_line,
    max_total_bytes,
    refused_line,
    write_refused,
)
from housing_price_orchestrator.worker.score_file import MIN_CONVERTED_BYTES, START, FileScoring, InputFile

JOB = "0" * 32
ROWS = 3_000
"""Rows whose errors take more than the least that refused rows may take in total."""


def price(houses: Sequence[AnyHouse]) -> Callable[[], Sequence[PriceEstimate]]:
    return lambda: [PriceEstimate(100.0, 90.0, 110.0, ModelIdentity("house-price", "1", "m-1")) for _ in houses]


class Bench:
    """A scoring without a queue."""

    def __init__(self, folder: Path) -> None:
        self.files = FolderJobFiles(folder)
        self.scoring = FileScoring(
            self.files,
            read=read_named_house,
            price=price,
            warnings_of=lambda _house, _estimate: (),
            describe_error=describe_error,
            rows_per_step=1_000,
            max_file_bytes=10**9,
        )

    def score(
        self, source: InputFile, original: InputFile | None = None
    ) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
        """Score a file; returns the last checkpoint, the refused rows and their size."""
        checkpoint = dict(START)
        parts: list[str] = []
        total = self.scoring.count(source)
        while not parts or checkpoint["rows"] < total:
            checkpoint = self.scoring.score_step(JOB, source, "csv", checkpoint, original or source, total=total)
            parts.append(checkpoint["part"])
        self.scoring.join(JOB, "csv", parts, checkpoint, original or source)
        content = self.files.refused_path(JOB).read_bytes()
        return checkpoint, [json.loads(line) for line in content.splitlines()], len(content)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "jobs")


def written(path: Path, content: bytes, file_format: str = "ndjson") -> InputFile:
    path.write_bytes(content)
    return InputFile(path, file_format)


WORST: dict[str, Callable[[int], bytes]] = {
    "empty objects": lambda rows: b"{}\n" * rows,
    "no JSON": lambda rows: b"x\n" * rows,
    "no objects": lambda rows: b"1\n" * rows,
    "unknown keys": lambda rows: b'{"a":1,"b":2,"c":3}\n' * rows,
    "long keys": lambda rows: json.dumps({"\u20ac" * 150: 1}).encode() + b"\n" + b"{}\n" * rows,
    "large numbers": lambda rows: (b'{"id":' + b"9" * 150 + b"}\n") * rows,
    "the survey's names": lambda rows: b'{"MSSubClass":0}\n' * rows,
}


@pytest.mark.full
@pytest.mark.parametrize("kind", WORST)
def test_the_refused_rows_of_a_small_file_are_limited(kind: str, bench: Bench, tmp_path: Path) -> None:
    content = WORST[kind](ROWS)
    checkpoint, refused, size = bench.score(written(tmp_path / "x", content))
    rows = checkpoint["rows"]
    assert checkpoint["refused"] == rows >= ROWS
    assert size <= MAX_BYTES_PER_ROW * rows
    assert size <= max(MIN_TOTAL_BYTES, 10 * len(content))
    listed = [one for one in refused if one["row"] is not None]
    assert [one["row"] for one in listed] == list(range(1, len(listed) + 1))
    assert checkpoint["unlisted"] == rows - len(listed)
    if checkpoint["unlisted"]:
        assert (refused[-1]["code"], refused[-1]["unlisted"]) == ("refused-rows-cut", checkpoint["unlisted"])
        assert str(checkpoint["unlisted"]) in refused[-1]["detail"]
        assert size > 0.9 * max(MIN_TOTAL_BYTES, 10 * len(content))


def test_a_csv_file_of_empty_rows_is_limited_too(bench: Bench, tmp_path: Path) -> None:
    content = ",".join(house_json()).encode() + b"\n" + b"1\n" * 9_000
    checkpoint, _, size = bench.score(written(tmp_path / "x", content, "csv"))
    assert (checkpoint["refused"], checkpoint["unlisted"] > 0) == (9_000, True)
    assert size <= MIN_TOTAL_BYTES


@pytest.mark.full
def test_the_limit_is_that_of_the_file_that_was_sent_not_of_its_conversion(bench: Bench, tmp_path: Path) -> None:
    content = b"".join(json.dumps(house_json(street="x", lotArea=-1)).encode() + b"\n" for _ in range(3_000))
    converted, small = written(tmp_path / "x", content), written(tmp_path / "y", b"PAR1")
    assert bench.score(converted)[0]["unlisted"] == 0
    checkpoint, _, size = bench.score(converted, small)
    assert checkpoint["unlisted"] > 0
    assert size <= MIN_TOTAL_BYTES


def test_few_refused_rows_are_listed_with_all_that_the_api_says(bench: Bench, tmp_path: Path) -> None:
    houses = [house_json(id=number, street="x" if number % 2 else "Pave") for number in range(1, 9)]
    content = b"".join(json.dumps(house).encode() + b"\n" for house in houses)
    checkpoint, refused, _ = bench.score(written(tmp_path / "x", content))
    assert checkpoint["unlisted"] == 0
    assert [one["row"] for one in refused] == [1, 3, 5, 7]
    (error,) = refused[0]["errors"]
    assert (error["loc"], error["input"], error["ctx"]["expected"]) == (["body", "street"], "x", "'Grvl' or 'Pave'")


def test_a_row_with_many_errors_counts_those_that_are_not_listed() -> None:
    with pytest.raises(InvalidDocument) as error:
        read_named_house(b"{}", {})
    line = refused_line(1, describe_error(error.value))
    assert len(line) <= MAX_BYTES_PER_ROW
    *listed, last = json.loads(line)["errors"]
    assert last["ctx"]["omitted"] == 46 - len(listed)


def test_a_job_of_an_earlier_release_goes_on(bench: Bench, tmp_path: Path) -> None:
    source = written(tmp_path / "x", b"{}\n" * 5)
    before = {"bytes": 0, "rows": 0, "refused": 0, "part": None}
    checkpoint = bench.scoring.score_step(JOB, source, "csv", before, source, total=bench.scoring.count(source))
    assert (checkpoint["refused"], checkpoint["unlisted"]) == (5, 0)


def test_nothing_is_listed_after_an_unlisted_row() -> None:
    error = InvalidDocument([{"type": "x", "loc": ("body",), "msg": "m"}])
    found = write_refused([(1, error), (2, error)], describe_error, written_bytes=0, is_full=True, input_bytes=10**9)
    assert (found.lines, found.unlisted) == (b"", 2)


@pytest.mark.parametrize("input_bytes", [0, 30_000, 10**9])
def test_the_last_line_has_room(input_bytes: int) -> None:
    error = InvalidDocument([{"type": "x", "loc": ("body",), "msg": "m"}])
    limit = max_total_bytes(input_bytes)
    found = write_refused(
        [(row, error) for row in range(10)],
        describe_error,
        written_bytes=limit - 900,
        is_full=False,
        input_bytes=input_bytes,
    )
    assert 0 < found.unlisted < 10
    assert limit - 900 + len(found.lines) + len(last_line(10**12, input_bytes)) <= limit


def test_rows_that_were_added_after_the_count_are_not_read(bench: Bench, tmp_path: Path) -> None:
    source = written(tmp_path / "x", b"{}\n" * 5)
    total = bench.scoring.count(source)
    source.path.write_bytes(b"{}\n" * 8)
    checkpoint = bench.scoring.score_step(JOB, source, "csv", START, source, total=total)
    assert (checkpoint["rows"], checkpoint["refused"]) == (5, 5)


def test_a_parquet_file_that_is_mostly_repetition_is_not_converted_without_limit(bench: Bench, tmp_path: Path) -> None:
    row = pa.Table.from_pylist([house_json()])
    rows = 60_000
    assert rows * len(HouseRecord.__struct_fields__) * POSITION_BYTES > MIN_CONVERTED_BYTES
    pq.write_table(pa.table({name: pa.repeat(row.column(name)[0], rows) for name in row.column_names}), tmp_path / "x")
    assert (tmp_path / "x").stat().st_size < 100_000
    with pytest.raises(JobInputUnusable, match=f"exceed {MIN_CONVERTED_BYTES} bytes"):
        bench.scoring.convert(JOB, InputFile(tmp_path / "x", "parquet"))
