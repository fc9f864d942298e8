"""Routing between champion and canary."""

import asyncio
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.routing.canary import RoutedPriceModel
from housing_price_orchestrator.service.routing.canary_buckets import bucket_of, buckets_of
from housing_price_orchestrator.service.routing.canary_watch import CanaryWatch, ExceededLimit
from housing_price_orchestrator.service.routing.price_deviation import MAX_HOUSES, CanaryComparison
from housing_price_orchestrator.shared.errors import (
    AnswerMalformed,
    CircuitOpen,
    DeadlineExceeded,
    ModelServerBusy,
    ModelServerFailed,
    ModelServerUnavailable,
    PriceImplausible,
    QueueFull,
    RowsRefused,
)
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.price import PriceSource
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_platform.orders.moves import CanaryLimits

pytestmark = pytest.mark.anyio

WEIGHT = 0.3
OF_CANARY = [one for one in range(1, 200) if bucket_of(one) < buckets_of(WEIGHT)]
OF_CHAMPION = [one for one in range(1, 200) if bucket_of(one) >= buckets_of(WEIGHT)]


class Routed:
    """Routing between two fake models, with the reports of the watch and the compared prices."""

    def __init__(self, *, min_fair_seconds: float = 0.0) -> None:
        self.champion, self.canary, self.background = FakePriceModel(), FakePriceModel(), FakePriceModel()
        self.canary.identity = ModelIdentity("fake", "2", "fake-2", "canary")
        self.exceeded: list[ExceededLimit] = []
        limits = CanaryLimits.model_validate({"leastRequests": 1, "maxErrorRatio": 0})
        self.compared: list[tuple[float, float]] = []
        self.watch = CanaryWatch(limits, self.exceeded.append)
        self.model = RoutedPriceModel(
            self.champion,
            self.canary,
            weight=WEIGHT,
            watch=self.watch,
            comparison=CanaryComparison(self.background, lambda *prices: self.compared.append(prices)),
            min_fair_seconds=min_fair_seconds,
        )

    async def versions(self, *ids: int) -> list[str]:
        return [one.model.version for one in await self.model.answer([house(id=one) for one in ids])]


@pytest.fixture
def routed() -> Routed:
    return Routed()


async def test_each_house_is_priced_by_the_version_of_its_bucket(routed: Routed) -> None:
    assert await routed.versions(OF_CANARY[0]) == ["2"]
    assert await routed.versions(OF_CHAMPION[0]) == ["1"]
    (estimate,) = await routed.model.answer([house(id=OF_CANARY[0])])
    assert estimate.model.variant == "canary"


async def test_a_batch_is_split_and_keeps_its_order(routed: Routed) -> None:
    some = [house(id=one, lotArea=5_000 + one) for one in range(1, 100)]
    estimates = await routed.model.answer(some)
    expected = await FakePriceModel().answer(some)
    assert [one.price_usd for one in estimates] == [one.price_usd for one in expected]
    assert [one.model.version for one in estimates] == ["2" if one.id in OF_CANARY else "1" for one in some]
    # Each model prices only its own houses, in one part.
    assert [len(asked) for asked in (*routed.champion.asked, *routed.canary.asked)] == [
        sum(one.id in OF_CHAMPION for one in some),
        sum(one.id in OF_CANARY for one in some),
    ]


async def test_both_parts_of_a_batch_are_priced_concurrently(routed: Routed) -> None:
    gate = routed.champion.gate = routed.canary.gate = asyncio.Event()
    task = asyncio.create_task(routed.versions(OF_CANARY[0], OF_CHAMPION[0]))
    await routed.champion.wait_until_asked()
    await routed.canary.wait_until_asked()
    gate.set()
    assert await task == ["2", "1"]


ERRORS: list[Exception] = [
    ModelServerUnavailable("away"),
    ModelServerBusy("busy"),
    CircuitOpen("http://canary", 1.0),
    ModelServerFailed("500"),
    AnswerMalformed("HTML"),
    RowsRefused("400"),
    DeadlineExceeded("slow"),
    QueueFull("full"),
    PriceImplausible("NaN", [None]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("others", [[], OF_CHAMPION[:3]], ids=["alone", "in a batch"])
async def test_champion_prices_what_the_canary_fails_to_price(
    routed: Routed, error: Exception, others: list[int]
) -> None:
    routed.canary.error = error
    assert await routed.versions(*others, OF_CANARY[0]) == ["1"] * (len(others) + 1)
    assert [one.name for one in routed.exceeded] == ["errors"]


async def test_unexpected_error_of_the_canary_is_raised(routed: Routed) -> None:
    routed.canary.error = RuntimeError("a defect")
    with pytest.raises(RuntimeError):
        await routed.versions(OF_CANARY[0])


async def test_rows_refused_by_both_do_not_count_as_canary_failure(routed: Routed) -> None:
    routed.canary.error, routed.champion.error = RowsRefused("canary"), RowsRefused("champion")
    with pytest.raises(RowsRefused):
        await routed.versions(OF_CANARY[0])
    assert routed.exceeded == []


@pytest.mark.parametrize("error", [ModelServerUnavailable("away"), RowsRefused("400")])
async def test_champion_error_fails_the_whole_batch(routed: Routed, error: Exception) -> None:
    routed.champion.error = error
    with pytest.raises(type(error)):
        await routed.versions(OF_CANARY[0], OF_CHAMPION[0])
    assert routed.exceeded == []


async def test_implausible_champion_prices_keep_their_positions(routed: Routed) -> None:
    (good,) = await FakePriceModel().answer([house()])
    routed.champion.error = PriceImplausible("NaN", [good, None])
    with pytest.raises(PriceImplausible) as raised:
        await routed.versions(OF_CHAMPION[0], OF_CANARY[0], OF_CHAMPION[1])
    assert [one is None for one in raised.value.answers] == [False, False, True]


async def test_hanging_canary_leaves_half_of_the_time_to_the_champion(routed: Routed) -> None:
    routed.canary.gate = asyncio.Event()
    routed.model._canary = DeadlineModel(routed.canary, seconds=60)  # as in production
    (estimate,) = await DeadlineModel(routed.model, seconds=1).answer([house(id=OF_CANARY[0])])
    assert estimate.model.version == "1"
    assert [one.name for one in routed.exceeded] == ["errors"]


async def test_short_deadline_of_a_caller_does_not_stop_the_canary() -> None:
    routed = Routed(min_fair_seconds=0.5)
    routed.canary.gate = asyncio.Event()
    routed.model._canary = DeadlineModel(routed.canary, seconds=60)  # as in production
    (estimate,) = await DeadlineModel(routed.model, seconds=0.1).answer([house(id=OF_CANARY[0])])
    assert estimate.model.version == "1"
    assert routed.exceeded == []


async def test_canary_prices_are_compared_with_champion_prices(routed: Routed) -> None:
    await routed.versions(OF_CANARY[0])
    await routed.background.wait_until_asked()
    while not routed.compared:
        await asyncio.sleep(0)
    ((canary, champion),) = routed.compared
    assert canary == champion


async def test_comparison_is_bounded_and_delays_no_request(routed: Routed) -> None:
    routed.background.gate = asyncio.Event()
    for _ in range(5):
        assert set(await routed.versions(*OF_CANARY[: MAX_HOUSES + 5])) == {"2"}
    await routed.background.wait_until_asked()
    # The first comparison is still running; the later ones were skipped, not queued.
    assert [len(asked) for asked in routed.background.asked] == [MAX_HOUSES]
    routed.background.gate.set()


async def test_comparison_is_skipped_when_the_champion_is_overloaded(routed: Routed) -> None:
    routed.background.error = QueueFull("full")
    await routed.versions(OF_CANARY[0])
    await routed.background.wait_until_asked()
    await asyncio.sleep(0)
    assert routed.compared == []


@pytest.mark.parametrize(("source", "is_recorded"), [("model", True), ("cache", False), ("last-known", False)])
async def test_champion_answers_from_memory_are_not_used_for_the_latency_limit(
    monkeypatch: pytest.MonkeyPatch, source: PriceSource, is_recorded: bool
) -> None:
    routed = Routed()
    recorded: list[float] = []
    monkeypatch.setattr(routed.watch, "record_champion_answer", recorded.append)

    class Remembering:
        async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            return [PriceEstimate(1.0, 1.0, 1.0, routed.champion.identity, source) for _ in houses]

    routed.model._champion = Remembering()
    await routed.versions(OF_CHAMPION[0])
    assert bool(recorded) == is_recorded


async def test_champion_houses_are_priced_by_the_champion_only(routed: Routed) -> None:
    await routed.versions(*OF_CHAMPION)
    assert routed.canary.asked == []
    assert routed.background.asked == []
