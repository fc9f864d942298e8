"""Valuations ask two models in one order, and each part fails alone."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import pytest
from msgspec.structs import replace

from factories import house, houses
from fakes import FakeComparablesModel, FakePriceModel
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.valuation.explain_prices import RESERVED_SECONDS
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.service.valuation.valuations import Valuations
from housing_price_orchestrator.service.valuation.value import adjusted_usd, blend_value
from housing_price_orchestrator.service.valuation.valued_house import ValuedHouse
from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    ComparablesImplausible,
    ComparablesOff,
    DeadlineExceeded,
    ModelChanged,
    ModelServerUnavailable,
    PriceImplausible,
    QueueFull,
    RowsRefused,
)
from housing_price_orchestrator.shared.ports import (
    Comparables,
    ComparablesModel,
    ComparablesQuestion,
    ConfidenceLimits,
    ModelIdentity,
    PriceEstimate,
)
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.valuation import ValuationPart

pytestmark = pytest.mark.anyio

BOTH: tuple[ValuationPart, ...] = ("comparables", "explanation")
EXPLANATION: tuple[ValuationPart, ...] = ("explanation",)
SALES = 6
LONG_SECONDS = 30.0

type Hook = Callable[[Sequence[AnyHouse]], None]


class HookedPriceModel(FakePriceModel):
    """Calls `hook` with the rows of each call before it answers; the hook may raise, or replace the model."""

    def __init__(self, hook: Hook) -> None:
        super().__init__()
        self.hook = hook

    async def answer(self, rows: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.hook(rows)
        return await super().answer(rows)

    def becomes(self, version: str) -> None:
        self.identity = ModelIdentity("fake", version, f"fake-{version}")


class VariedComparablesModel(FakeComparablesModel):
    """Finds sales that differ from the house in most groups of features, so that explanations have many rows."""

    _CHANGES: Final = {
        "gr_liv_area": 1_500.0,
        "overall_qual": 7,
        "year_built": 1_990,
        "neighborhood": "CollgCr",
        "total_bsmt_sf": 1_000.0,
        "garage_cars": 2,
        "full_bath": 2,
        "wood_deck_sf": 144.0,
    }

    async def answer(self, questions: Sequence[ComparablesQuestion], /) -> Sequence[Comparables]:
        return [
            replace(found, sales=tuple(replace(sale, house=self._varied(sale.house)) for sale in found.sales))
            for found in await super().answer(questions)
        ]

    def _varied(self, sold: AnyHouse) -> AnyHouse:
        return cast("House", sold).model_copy(update=self._CHANGES)


def valuations(
    prices: FakePriceModel, comparables: ComparablesModel | None, seconds: float = LONG_SECONDS
) -> Valuations:
    return Valuations(Pricing(prices), comparables, typical_house=TYPICAL_HOUSE, deadline_seconds=seconds)


async def value_one(
    prices: FakePriceModel, comparables: ComparablesModel | None, *include: ValuationPart, **options: Any
) -> ValuedHouse:
    (valued,) = await valuations(prices, comparables, **options).value_all([house()], include)
    return valued


def names_of(problems: Any) -> dict[str, str]:
    return {part: type(error).__name__ for part, error in problems.items()}


def cents(usd: float) -> int:
    return round(100 * usd)


async def test_value_follows_from_the_price_and_the_adjusted_sales() -> None:
    prices, comparables = FakePriceModel(), VariedComparablesModel()
    valued = await value_one(prices, comparables, *BOTH)
    found = valued.comparables
    assert found is not None
    predicted = await prices.answer([one.sale.house for one in found.sales])
    adjusted = [
        adjusted_usd(one.sale.price_usd, estimate.price_usd, valued.price.price_usd)
        for one, estimate in zip(found.sales, predicted, strict=True)
    ]
    assert [one.adjusted_usd for one in found.sales] == [round(amount, 2) for amount in adjusted]
    expected = blend_value(valued.price, adjusted, [one.sale.distance for one in found.sales], comparables.blend)
    assert (valued.value, valued.method) == (expected, "priceAndComparables")
    assert (found.estimate_usd, found.model) == (expected.comparables_usd, comparables.identity)
    assert valued.problems == {}


async def test_rows_of_explanations_do_not_enter_the_price_memory() -> None:
    model = FakePriceModel()
    memory = PriceMemory(max_houses=1000, key_of=row_of, write_key=write_row)
    remembering = FallbackPriceModel(model, memory, cache_seconds=100, last_known_seconds=100)
    service = Valuations(
        Pricing(remembering), VariedComparablesModel(), typical_house=TYPICAL_HOUSE, deadline_seconds=LONG_SECONDS
    )
    (first,) = await service.value_all([house()], BOTH)
    assert first.comparables is not None
    wanted = [house(), *(one.sale.house for one in first.comparables.sales)]
    assert len(memory) == len({*memory.keys_of(wanted)}) == 1 + SALES
    assert None not in memory.recall(memory.keys_of(wanted), "last-known", max_age_seconds=100)
    rows = sum(map(len, model.asked))
    assert rows > 100
    (second,) = await service.value_all([house()], BOTH)
    # The house and its sales come from memory, and the model prices the rows of the explanation again.
    assert sum(map(len, model.asked)) == 2 * rows - (1 + SALES)
    assert (second.price.source, second.explanation) == ("cache", first.explanation)


async def test_confidence_is_graded_with_the_limits_of_the_comparables_model() -> None:
    comparables = VariedComparablesModel()
    assert (await value_one(FakePriceModel(), comparables)).confidence is None
    for limits, grade in (
        (ConfidenceLimits(1, 1), "high"),
        (ConfidenceLimits(0, 1), "medium"),
        (ConfidenceLimits(0, 0), "low"),
    ):
        comparables.blend = replace(comparables.blend, confidence=limits)
        assert (await value_one(FakePriceModel(), comparables)).confidence == grade


async def test_adjustments_and_differences_sum_to_the_cent() -> None:
    valued = await value_one(FakePriceModel(), VariedComparablesModel(), *BOTH)
    assert valued.comparables is not None
    for one in valued.comparables.sales:
        assert one.adjustments is not None
        total = sum(cents(part.usd) for part in one.adjustments)
        assert total == cents(one.adjusted_usd) - cents(one.sale.price_usd)
    assert valued.explanation is not None
    total = sum(cents(part.usd) for part in valued.explanation.differences)
    assert total == cents(valued.price.price_usd) - cents(valued.explanation.typical_usd)


@pytest.mark.parametrize(
    ("include", "has_adjustments", "has_explanation", "calls"),
    [
        ((), False, False, 2),
        (("comparables",), False, False, 2),
        (("explanation",), False, True, 3),
        (BOTH, True, True, 4),
    ],
)
async def test_only_what_is_included_is_asked_for(
    include: Sequence[ValuationPart], has_adjustments: bool, has_explanation: bool, calls: int
) -> None:
    prices, comparables = FakePriceModel(), VariedComparablesModel()
    valued = await value_one(prices, comparables, *include)
    assert valued.method == "priceAndComparables"
    assert valued.comparables is not None
    assert all((one.adjustments is not None) is has_adjustments for one in valued.comparables.sales)
    assert (valued.explanation is not None) is has_explanation
    assert (len(prices.asked), len(comparables.asked)) == (calls, 1)
    assert sorted(map(len, prices.asked))[:2] == [1, SALES]


async def test_rows_have_the_id_of_the_house_so_that_a_canary_treats_them_alike() -> None:
    prices = FakePriceModel()
    await value_one(prices, VariedComparablesModel(), *BOTH)
    assert {row.id for rows in prices.asked for row in rows} == {house().id}


async def test_price_and_comparables_are_asked_side_by_side() -> None:
    prices, comparables = FakePriceModel(gate=asyncio.Event()), VariedComparablesModel(gate=asyncio.Event())
    task = asyncio.create_task(value_one(prices, comparables))
    await prices.wait_until_asked()
    await comparables.wait_until_asked()
    for gate in (prices.gate, comparables.gate):
        assert gate is not None
        gate.set()
    assert (await task).problems == {}


@pytest.mark.parametrize("include", [(), BOTH])
@pytest.mark.parametrize(
    "error",
    [
        ModelServerUnavailable("gone"),
        CircuitOpen("http://sales", 2),
        QueueFull("full", 3),
        RowsRefused("odd"),
        ValueError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_without_comparables_the_value_is_the_price(error: Exception, include: Sequence[ValuationPart]) -> None:
    prices = FakePriceModel()
    valued = await value_one(prices, VariedComparablesModel(error=error), *include)
    price = valued.price
    assert valued.method == "price"
    assert (valued.value.amount_usd, valued.value.low_usd, valued.value.high_usd) == (
        price.price_usd,
        price.low_usd,
        price.high_usd,
    )
    assert (valued.comparables, valued.confidence) == (None, None)
    assert valued.problems == {"comparables": error}
    # The difference from a typical house needs no comparables.
    assert (valued.explanation is not None) is ("explanation" in include)
    assert len(prices.asked) == (2 if include else 1)


async def test_without_a_comparables_model_the_value_is_the_price() -> None:
    valued = await value_one(FakePriceModel(), None, *BOTH)
    assert valued.method == "price"
    assert names_of(valued.problems) == {"comparables": ComparablesOff.__name__}
    assert valued.explanation is not None


async def test_without_a_price_there_is_no_valuation() -> None:
    comparables = VariedComparablesModel(gate=asyncio.Event())
    with pytest.raises(QueueFull):
        await value_one(FakePriceModel(error=QueueFull("full", 2)), comparables, *BOTH)


def fails_from(rows_of_call: Callable[[int], bool], error: Exception) -> Hook:
    def hook(rows: Sequence[AnyHouse]) -> None:
        if rows_of_call(len(rows)):
            raise error

    return hook


async def test_sold_houses_without_prices_leave_the_price_and_the_explanation() -> None:
    error = ModelServerUnavailable("gone")
    prices, comparables = HookedPriceModel(fails_from(lambda rows: rows == SALES, error)), VariedComparablesModel()
    valued = await value_one(prices, comparables, *BOTH)
    assert (valued.method, valued.comparables) == ("price", None)
    assert valued.problems == {"comparables": error}
    assert valued.explanation is not None
    assert len(comparables.asked) == 1


async def test_failed_explanation_leaves_the_comparables() -> None:
    error = QueueFull("full", 2)
    prices = HookedPriceModel(fails_from(lambda rows: rows > SALES, error))
    valued = await value_one(prices, VariedComparablesModel(), *BOTH)
    assert valued.method == "priceAndComparables"
    assert valued.explanation is None
    assert valued.comparables is not None
    assert [one.adjustments for one in valued.comparables.sales] == [None] * SALES
    assert valued.problems == {"explanation": error}


async def test_part_that_hangs_is_left_out_in_time() -> None:
    comparables = VariedComparablesModel(gate=asyncio.Event())
    started_at = time.monotonic()
    async with asyncio.timeout(LONG_SECONDS):
        valued = await value_one(FakePriceModel(), comparables, *BOTH, seconds=1)
    assert names_of(valued.problems) == {"comparables": DeadlineExceeded.__name__}
    assert time.monotonic() - started_at < LONG_SECONDS
    assert valued.explanation is not None


async def test_caller_may_shorten_the_deadline() -> None:
    prices = FakePriceModel(gate=asyncio.Event())
    with pytest.raises(DeadlineExceeded):
        await valuations(prices, VariedComparablesModel()).value_all([house()], BOTH, within_seconds=0.05)


@pytest.mark.parametrize("include", [(), BOTH])
async def test_after_a_swap_all_prices_are_those_of_the_new_model(include: Sequence[ValuationPart]) -> None:
    def swap(rows: Sequence[AnyHouse]) -> None:
        if len(rows) == SALES:
            prices.becomes("2")

    prices, comparables = HookedPriceModel(swap), VariedComparablesModel()
    valued = await value_one(prices, comparables, *include)
    assert valued.price.model.version == "2"
    assert valued.method == "priceAndComparables"
    assert valued.problems == {}
    assert (valued.explanation is not None) is bool(include)
    # Only prices are asked for again, those of the house and its sales together.
    assert len(comparables.asked) == 1
    assert 1 + SALES in map(len, prices.asked)


async def test_models_that_take_turns_are_never_mixed() -> None:
    def alternate(_: Sequence[AnyHouse]) -> None:
        prices.becomes(str(1 + len(prices.asked) % 2))

    prices = HookedPriceModel(alternate)
    valued = await value_one(prices, VariedComparablesModel(), "comparables")
    # The house and its sales were priced again in one call.
    assert (valued.method, valued.problems) == ("priceAndComparables", {})


async def test_failed_repetition_leaves_the_price_of_the_first_model() -> None:
    def swap_and_fail(rows: Sequence[AnyHouse]) -> None:
        if len(rows) == SALES:
            prices.becomes("2")
        if len(rows) == 1 + SALES:
            raise ModelServerUnavailable("gone")

    prices = HookedPriceModel(swap_and_fail)
    valued = await value_one(prices, VariedComparablesModel(), *BOTH)
    assert (valued.method, valued.price.model.version) == ("price", "1")
    assert names_of(valued.problems)["comparables"] == ModelChanged.__name__


async def test_batch_keeps_the_order_of_the_houses() -> None:
    asked = houses(20)
    service = valuations(FakePriceModel(), VariedComparablesModel())
    together = await service.value_all(asked, BOTH)
    alone = [(await service.value_all([one], BOTH))[0] for one in asked]
    assert [one.house.id for one in together] == [one.id for one in asked]
    for one, other in zip(together, alone, strict=True):
        assert (one.price, one.value, one.comparables, one.explanation) == (
            other.price,
            other.value,
            other.comparables,
            other.explanation,
        )


class OneUnusable(VariedComparablesModel):
    """Finds no sales for the second house of a call."""

    async def answer(self, questions: Sequence[Any], /) -> Sequence[Any]:
        answers: list[Any] = list(await super().answer(questions))
        if len(answers) > 1:
            answers[1] = None
            raise ComparablesImplausible("no sales", answers)
        return answers


async def test_in_a_batch_only_the_house_without_comparables_has_a_problem() -> None:
    valued = await valuations(FakePriceModel(), OneUnusable()).value_all(houses(3), BOTH)
    assert [one.method for one in valued] == ["priceAndComparables", "price", "priceAndComparables"]
    assert [names_of(one.problems) for one in valued] == [{}, {"comparables": "ComparablesImplausible"}, {}]
    assert all(one.explanation is not None for one in valued)


async def test_explanations_of_a_batch_are_asked_for_in_parts_and_stop_in_time() -> None:
    explained = 0

    def slow_explanations(rows: Sequence[AnyHouse]) -> None:
        nonlocal explained
        if len(rows) > 100:
            explained += 1
            if explained > 2:
                raise DeadlineExceeded("too late")

    prices = HookedPriceModel(slow_explanations)
    valued = await valuations(prices, VariedComparablesModel()).value_all(houses(12), EXPLANATION)
    done = [one.explanation is not None for one in valued]
    assert done == sorted(done, reverse=True)
    assert 0 < sum(done) < len(done)
    assert all(one.problems.keys() == ({"explanation"} if one.explanation is None else set()) for one in valued)
    assert max(map(len, prices.asked)) <= 12 * SALES + 500
    assert RESERVED_SECONDS > 0


async def test_record_holds_what_is_needed_to_value_the_house_again() -> None:
    valued = await value_one(FakePriceModel(), VariedComparablesModel(), *BOTH)
    record = valued.record()
    assert valued.comparables is not None
    assert record.sales == tuple(one.sale.id for one in valued.comparables.sales)
    assert (record.comparables, record.parts) == (valued.comparables.model, ("price", "comparables", "explanation"))
    failed = (await value_one(FakePriceModel(), VariedComparablesModel(error=QueueFull("full")))).record()
    assert (failed.method, failed.parts, failed.sales, failed.comparables) == ("price", ("price",), (), None)
    assert failed.problems == {"comparables": "QueueFull"}


class PricesBeyondAll(FakePriceModel):
    """Has prices that are finite, and of which no explanation follows."""

    def _estimate(self, house: AnyHouse) -> PriceEstimate:
        estimate = super()._estimate(house)
        return replace(estimate, price_usd=1e308 * estimate.price_usd / 1e6, low_usd=1.0, high_usd=1.7e308)


async def test_prices_from_which_no_explanation_follows_are_named_and_no_defect() -> None:
    valued = await value_one(PricesBeyondAll(), VariedComparablesModel(), *BOTH)
    assert valued.explanation is None
    assert {type(error) for error in valued.problems.values()} <= {PriceImplausible, ComparablesImplausible}
    assert isinstance(valued.problems["explanation"], PriceImplausible)
