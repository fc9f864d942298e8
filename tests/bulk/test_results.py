"""A result and its refused rows appear complete or not at all."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from housing_price.bulk.files.parts import Part
from housing_price.bulk.files.results import ResultWriter
from housing_price.errors import BulkError
from housing_price_orchestrator.shared.errors import DocumentTooLarge
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.worker.priced_rows import PricedRow
from housing_price_orchestrator.worker.refused_rows import describe_error, max_total_bytes, refused_line
from housing_price_orchestrator.worker.write_results import result_format

from .files import names_in

ESTIMATE = PriceEstimate(100.0, 90.0, 110.0, ModelIdentity("housing-price", "1", "m-1"))


class Bench:
    """A folder of parts and a result file."""

    def __init__(self, folder: Path, output_format: str = "csv", input_bytes: int = 10_000_000) -> None:
        self.parts = folder / "parts"
        self.parts.mkdir()
        (folder / "results").mkdir()
        self.output = folder / "results" / f"prices.{output_format}"
        self.refused = folder / "results" / f"prices.{output_format}.refused.ndjson"
        self.format = output_format
        self.writer = ResultWriter(self.output, output_format, self.parts, input_bytes)

    def part(self, before: int, priced: int, refused: int = 0) -> Part:
        """Make a part whose refused rows come after its priced ones."""
        part = Part(before, priced + refused, refused, f"{before}")
        rows = [PricedRow(before + one, before + one, ESTIMATE) for one in range(1, priced + 1)]
        part.priced_file(self.parts).write_bytes(result_format(self.format).write(rows))
        description = describe_error(DocumentTooLarge(10))
        lines = [refused_line(before + priced + one, description) for one in range(1, refused + 1)]
        part.refused_file(self.parts).write_bytes(b"".join(lines))
        return part

    def results(self) -> list[str]:
        return names_in(self.output.parent)


@pytest.mark.parametrize("output_format", ["csv", "ndjson", "parquet"])
def test_parts_are_joined_in_order_and_their_files_removed(tmp_path: Path, output_format: str) -> None:
    bench = Bench(tmp_path, output_format)
    bench.writer.write([bench.part(0, 3, 1), bench.part(4, 0, 2), bench.part(6, 2)])
    if output_format == "parquet":
        rows = pq.read_table(bench.output)["row"].to_pylist()
    elif output_format == "csv":
        rows = [int(line.split(",")[0]) for line in bench.output.read_text().splitlines()[1:]]
    else:
        rows = [json.loads(line)["row"] for line in bench.output.read_text().splitlines()]
    assert rows == [1, 2, 3, 7, 8]
    assert [json.loads(line)["row"] for line in bench.refused.read_text().splitlines()] == [4, 5, 6]
    assert (bench.writer.tally.priced, bench.writer.tally.refused, bench.writer.tally.unlisted) == (5, 3, 0)
    assert names_in(bench.parts) == []


def test_a_result_without_refused_rows_has_an_empty_file_of_them(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.writer.write([bench.part(0, 1)])
    assert bench.refused.read_bytes() == b""


def test_without_a_priced_row_only_the_refused_rows_appear(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.writer.write([bench.part(0, 0, 2)])
    assert bench.results() == [bench.refused.name]


def test_refused_rows_are_cut_at_the_limit_and_the_last_line_counts_the_others(tmp_path: Path) -> None:
    rows = 20_000
    bench = Bench(tmp_path, input_bytes=10)
    bench.writer.write([bench.part(0, 1, rows), bench.part(rows + 1, 0, 5)])
    assert bench.refused.stat().st_size <= max_total_bytes(10)
    *listed, last = [json.loads(line) for line in bench.refused.read_text().splitlines()]
    assert (last["row"], last["code"]) == (None, "refused-rows-cut")
    assert last["unlisted"] == bench.writer.tally.unlisted == rows + 5 - len(listed)
    assert [one["row"] for one in listed] == list(range(2, len(listed) + 2))


def failing(parts: Sequence[Part], error: Exception) -> Iterator[Part]:
    yield from parts
    raise error


@pytest.mark.parametrize("error", [BulkError("the engine failed"), KeyboardInterrupt()])
def test_nothing_is_left_when_a_later_part_fails(tmp_path: Path, error: Exception) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(type(error)):
        bench.writer.write(failing([bench.part(0, 3, 1)], error))
    assert bench.results() == []


@pytest.mark.parametrize("parts", [(1,), (0, 5), (0, 0)], ids=["late", "gap", "twice"])
def test_missing_and_repeated_parts_are_an_error_and_nothing_is_left(tmp_path: Path, parts: Sequence[int]) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(BulkError, match="the results are incomplete"):
        bench.writer.write([bench.part(before, 2) for before in parts])
    assert bench.results() == []


@pytest.mark.parametrize("taken", ["prices.csv", "prices.csv.refused.ndjson"])
def test_a_file_that_another_program_created_meanwhile_is_not_replaced(tmp_path: Path, taken: str) -> None:
    bench = Bench(tmp_path)
    path = bench.output.with_name(taken)
    path.write_text("theirs")
    with pytest.raises(BulkError, match="created by another program meanwhile"):
        bench.writer.write([bench.part(0, 1, 1)])
    assert bench.results() == [taken]
    assert path.read_text() == "theirs"


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.output.parent.rmdir()
    with pytest.raises(BulkError, match=f"{bench.output.parent}: No such file or directory; no result was written"):
        bench.writer.write([bench.part(0, 1)])
