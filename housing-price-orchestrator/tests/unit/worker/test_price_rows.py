"""The rows of a step are priced in blocks, several at a time; results keep the order of the file."""

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from housing_price_orchestrator.shared.errors import HousingPriceError, InvalidDocument, PriceImplausible
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, EncodedHouse
from housing_price_orchestrator.worker.price_rows import BLOCK_ROWS, MAX_BLOCKS_IN_FLIGHT, Outcome, StepPricing
from housing_price_orchestrator.worker.read_rows import Row

MODEL = ModelIdentity("house-price", "1", "m-1")
ROW_BYTES = 10


class Bench:
    """Rows of a file, and a model that prices each house at its id; it notes when blocks are started and waited for."""

    def __init__(self, rows: int, *, invalid: Sequence[int] = (), implausible: Sequence[int] = ()) -> None:
        self.rows = rows
        self.invalid, self.implausible = set(invalid), set(implausible)
        self.refused: list[tuple[int, HousingPriceError]] = []
        self.in_flight = self.most_in_flight = self.read = 0
        self.seconds = 0.0

    def file(self, done: int) -> Iterator[Row]:
        for number in range(done + 1, self.rows + 1):
            self.read = number
            error = InvalidDocument([{"type": "x", "loc": ("body",), "msg": "m"}])
            yield Row(error if number in self.invalid else EncodedHouse(number, b"[]"), number * ROW_BYTES)

    def price(self, houses: Sequence[AnyHouse]) -> Callable[[], Sequence[Outcome]]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

        def wait() -> Sequence[Outcome]:
            self.in_flight -= 1
            self.seconds += 1.0
            return [self.outcome_of(house.id) for house in houses]

        return wait

    def outcome_of(self, number: int) -> Outcome:
        if number in self.implausible:
            return PriceImplausible("no", [])
        return PriceEstimate(float(number), 0.5, 2.0 * number, MODEL)

    def step(self, done: int = 0, max_rows: int = 100_000, max_seconds: float = 1e9, **options: Any) -> StepPricing:
        chosen = {"warnings_of": None, "clock": lambda: self.seconds} | options
        return StepPricing(
            self.file(done),
            self.price,
            self.refused.extend,
            done=done,
            end=done * ROW_BYTES,
            max_rows=max_rows,
            max_seconds=max_seconds,
            **chosen,
        )


@pytest.mark.parametrize("rows", [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1, 7 * BLOCK_ROWS + 3])
def test_every_row_is_priced_once_and_in_order(rows: int) -> None:
    bench = Bench(rows)
    step = bench.step()
    found = list(step.priced_rows())
    assert [(one.number, one.house_id, one.estimate.price_usd) for one in found] == [
        (number, number, float(number)) for number in range(1, rows + 1)
    ]
    assert (step.done, step.end, bench.refused) == (rows, rows * ROW_BYTES, [])


def test_several_blocks_are_in_flight_but_not_the_whole_file() -> None:
    bench = Bench(20 * BLOCK_ROWS)
    rows = bench.step().priced_rows()
    assert next(rows).number == 1
    assert bench.read == MAX_BLOCKS_IN_FLIGHT * BLOCK_ROWS
    assert len(list(rows)) == 20 * BLOCK_ROWS - 1
    assert bench.most_in_flight == MAX_BLOCKS_IN_FLIGHT > 1
    assert bench.in_flight == 0


def test_refused_rows_are_in_order_whoever_refused_them() -> None:
    refused = [1, 3, BLOCK_ROWS, BLOCK_ROWS + 1, 3 * BLOCK_ROWS]
    bench = Bench(3 * BLOCK_ROWS, invalid=refused[::2], implausible=refused[1::2])
    found = [one.number for one in bench.step().priced_rows()]
    assert [number for number, _ in bench.refused] == refused
    assert [type(error) for _, error in bench.refused[:2]] == [InvalidDocument, PriceImplausible]
    assert found == [number for number in range(1, 3 * BLOCK_ROWS + 1) if number not in refused]


def test_a_step_takes_no_more_than_its_rows_and_the_next_one_goes_on() -> None:
    bench = Bench(5 * BLOCK_ROWS)
    first = bench.step(max_rows=2 * BLOCK_ROWS + 10)
    numbers = [one.number for one in first.priced_rows()]
    assert (first.done, bench.read) == (len(numbers), 2 * BLOCK_ROWS + 10)
    second = bench.step(first.done)
    numbers += [one.number for one in second.priced_rows()]
    assert numbers == list(range(1, 5 * BLOCK_ROWS + 1))
    assert second.end == 5 * BLOCK_ROWS * ROW_BYTES


def test_a_step_ends_after_its_time_with_whole_blocks() -> None:
    bench = Bench(50 * BLOCK_ROWS)
    step = bench.step(max_seconds=4.0)
    found = list(step.priced_rows())
    assert step.done == len(found) == (4 + MAX_BLOCKS_IN_FLIGHT - 1) * BLOCK_ROWS
    # Also without time a step prices a block, or a job would never end.
    assert len(list(bench.step(max_seconds=0.0).priced_rows())) == BLOCK_ROWS


def test_warnings_are_asked_for_only_where_they_are_written() -> None:
    warning: Any = SimpleNamespace()
    bench = Bench(3)
    found = list(bench.step(warnings_of=lambda house, _: (warning,) if house.id == 2 else ()).priced_rows())
    assert [one.warnings for one in found] == [(), (warning,), ()]


def test_an_error_of_the_model_ends_the_step() -> None:
    def price(_: Sequence[AnyHouse]) -> Callable[[], Sequence[Outcome]]:
        def wait() -> Sequence[Outcome]:
            raise PriceImplausible("gone", [])

        return wait

    bench = Bench(10)
    bench.price = price  # type: ignore[assignment, method-assign]  # a fake of a fake
    step = bench.step()
    with pytest.raises(PriceImplausible):
        list(step.priced_rows())
    assert (step.done, step.end) == (0, 0)
