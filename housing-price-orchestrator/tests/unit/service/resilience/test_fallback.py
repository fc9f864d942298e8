"""Prices from memory: conditions, maximum age, model, and `source`."""

import asyncio
import time
from collections.abc import Sequence

import orjson
import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.service.resilience import fallback
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.resilience.fallback import UNAVAILABLE, FallbackPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate

pytestmark = pytest.mark.anyio

MAX_AGE = 100.0
OTHER = ModelIdentity("fake", "2", "fake-2")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Rig:
    """A fake model behind a price memory."""

    def __init__(self, clock: FakeClock, *, cache: bool = False, last_known: bool = False) -> None:
        self.behind = FakePriceModel()
        self.model_now: str | None = None
        self.memory = PriceMemory(
            max_houses=100, key_of=row_of, write_key=write_row, model_now=lambda: self.model_now, clock=clock
        )
        self.model = FallbackPriceModel(
            self.behind,
            self.memory,
            cache_seconds=MAX_AGE if cache else None,
            last_known_seconds=MAX_AGE if last_known else None,
        )

    async def sources(self, *ids: int) -> list[str]:
        return [estimate.source for estimate in await self.model.answer([house(id=1, lotArea=one) for one in ids])]


@pytest.fixture
def cache(clock: FakeClock) -> Rig:
    return Rig(clock, cache=True)


@pytest.fixture
def last_known(clock: FakeClock) -> Rig:
    return Rig(clock, last_known=True)


def without_source(estimates: Sequence[PriceEstimate]) -> list[tuple[object, ...]]:
    return [(one.price_usd, one.low_usd, one.high_usd, one.model) for one in estimates]


class TestCache:
    async def test_recently_priced_house_is_answered_from_the_cache(self, cache: Rig) -> None:
        first = await cache.model.answer(houses(3))
        second = await cache.model.answer(houses(3))
        assert [one.source for one in first] == ["model"] * 3
        assert [one.source for one in second] == ["cache"] * 3
        assert without_source(first) == without_source(second)
        assert len(cache.behind.asked) == 1

    async def test_cache_key_has_every_feature_and_not_the_id(self, cache: Rig) -> None:
        await cache.model.answer([house(id=1)])
        (same,) = await cache.model.answer([house(id=2)])
        (other,) = await cache.model.answer([house(id=1, poolArea=7)])
        assert (same.source, other.source) == ("cache", "model")

    async def test_only_unknown_houses_of_a_batch_are_priced_and_the_order_stays(self, cache: Rig) -> None:
        asked = houses(6)
        await cache.model.answer(asked[1::2])
        estimates = await cache.model.answer(asked)
        assert [one.source for one in estimates] == ["model", "cache"] * 3
        assert without_source(estimates) == without_source(await FakePriceModel().answer(asked))
        assert [len(one) for one in cache.behind.asked] == [3, 3]

    async def test_expired_price_is_computed_again(self, cache: Rig, clock: FakeClock) -> None:
        await cache.sources(1)
        clock.passes(MAX_AGE)
        assert await cache.sources(1) == ["cache"]
        clock.passes(1)
        assert await cache.sources(1) == ["model"]

    async def test_prices_of_a_replaced_model_are_not_used(self, cache: Rig) -> None:
        await cache.sources(1, 2)
        cache.behind.identity = OTHER
        assert await cache.sources(3) == ["model"]
        assert await cache.sources(1, 2, 3) == ["model", "model", "cache"]

    async def test_model_change_seen_by_readiness_invalidates_the_cache(self, cache: Rig) -> None:
        await cache.sources(1)
        cache.behind.identity = OTHER
        cache.model_now = OTHER.id
        assert await cache.sources(1) == ["model"]
        assert await cache.sources(1) == ["cache"]

    async def test_answer_never_mixes_two_models(self, cache: Rig) -> None:
        await cache.sources(1, 2)
        cache.behind.identity = OTHER
        estimates = await cache.model.answer([house(lotArea=area) for area in (1, 2, 3)])
        assert {one.model for one in estimates} == {OTHER}
        assert [one.source for one in estimates] == ["model"] * 3

    async def test_errors_are_not_cached(self, cache: Rig) -> None:
        await cache.sources(1)
        cache.behind.error = errors.ModelServerUnavailable("away")
        with pytest.raises(errors.ModelServerUnavailable):
            await cache.sources(2)
        assert await cache.sources(1) == ["cache"]


class TestLastKnown:
    @pytest.mark.parametrize("kind", UNAVAILABLE)
    async def test_last_known_price_is_used_while_the_model_server_is_unavailable(
        self, last_known: Rig, kind: type
    ) -> None:
        first = await last_known.model.answer(houses(3))
        last_known.behind.error = kind("away", 1.0) if kind is errors.CircuitOpen else kind("away")
        second = await last_known.model.answer(houses(3))
        assert [one.source for one in second] == ["last-known"] * 3
        assert without_source(first) == without_source(second)

    async def test_available_model_server_is_always_asked(self, last_known: Rig) -> None:
        for _ in range(3):
            assert await last_known.sources(1) == ["model"]

    async def test_one_unknown_house_fails_the_batch(self, last_known: Rig) -> None:
        await last_known.sources(1, 2)
        last_known.behind.error = errors.ModelServerUnavailable("away")
        with pytest.raises(errors.ModelServerUnavailable):
            await last_known.sources(1, 2, 3)

    @pytest.mark.parametrize(
        "error",
        [
            errors.ModelServerFailed("no"),
            errors.AnswerMalformed("no"),
            errors.RowsRefused("no"),
            errors.PriceImplausible("no", [None]),
            errors.QueueFull("no"),
        ],
        ids=lambda error: type(error).__name__,
    )
    async def test_other_errors_are_not_replaced_by_the_last_known_price(
        self, last_known: Rig, error: Exception
    ) -> None:
        await last_known.sources(1)
        last_known.behind.error = error
        with pytest.raises(type(error)):
            await last_known.sources(1)

    async def test_expired_last_known_price_is_not_used(self, last_known: Rig, clock: FakeClock) -> None:
        await last_known.sources(1)
        last_known.behind.error = errors.ModelServerUnavailable("away")
        clock.passes(MAX_AGE + 1)
        with pytest.raises(errors.ModelServerUnavailable):
            await last_known.sources(1)

    async def test_last_known_price_of_a_replaced_model_is_not_used(self, last_known: Rig) -> None:
        await last_known.sources(1)
        last_known.behind.identity = OTHER
        await last_known.sources(2)
        last_known.behind.error = errors.ModelServerUnavailable("away")
        with pytest.raises(errors.ModelServerUnavailable):
            await last_known.sources(1)
        assert await last_known.sources(2) == ["last-known"]

    async def test_hanging_model_server_is_replaced_shortly_before_the_deadline(
        self, last_known: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # On a busy machine the event loop may pause for longer than the margin of production.
        monkeypatch.setattr(fallback, "MARGIN_SECONDS", 1.0)
        await last_known.sources(1)
        last_known.behind.gate = asyncio.Event()
        (estimate,) = await DeadlineModel(last_known.model, seconds=2).answer([house(lotArea=1)])
        assert estimate.source == "last-known"

    async def test_hanging_model_server_without_a_known_price_raises_deadline_exceeded(self, last_known: Rig) -> None:
        last_known.behind.gate = asyncio.Event()
        with pytest.raises(errors.DeadlineExceeded):
            await DeadlineModel(last_known.model, seconds=0.02).answer([house()])

    async def test_using_a_stored_price_does_not_extend_its_age(self, last_known: Rig, clock: FakeClock) -> None:
        await last_known.sources(1)
        last_known.behind.error = errors.ModelServerUnavailable("away")
        for _ in range(4):
            clock.passes(MAX_AGE / 4)
            assert await last_known.sources(1) == ["last-known"]
        clock.passes(1)
        with pytest.raises(errors.ModelServerUnavailable):
            await last_known.sources(1)


async def test_with_both_enabled_fresh_prices_are_cached_and_older_ones_last_known(clock: FakeClock) -> None:
    rig = Rig(clock, cache=True, last_known=True)
    rig.model = FallbackPriceModel(rig.behind, rig.memory, cache_seconds=10, last_known_seconds=1_000)
    await rig.sources(1)
    rig.behind.error = errors.ModelServerUnavailable("away")
    assert await rig.sources(1) == ["cache"]
    clock.passes(500)
    assert await rig.sources(1) == ["last-known"]


def test_number_of_prices_is_bounded_and_the_oldest_are_evicted() -> None:
    memory = PriceMemory(max_houses=3, key_of=row_of, write_key=write_row, clock=time.monotonic)
    identity = ModelIdentity("fake", "1", "fake-1")
    rows = [row_of(one) for one in houses(5)]
    for row in rows:
        memory.remember([row], [PriceEstimate(1.0, 1.0, 1.0, identity)])
    assert len(memory) == 3
    found = memory.recall(rows, "cache", max_age_seconds=MAX_AGE)
    assert [one is None for one in found] == [True, True, False, False, False]


def test_inputs_are_written_from_the_current_request() -> None:
    """1 and 1.0 are equal keys with different texts: the log must hold the text of the current request."""
    memory = PriceMemory(max_houses=3, key_of=row_of, write_key=write_row, clock=time.monotonic)
    row = row_of(houses(1)[0])
    memory.remember([row], [PriceEstimate(1.0, 1.0, 1.0, ModelIdentity("fake", "1", "fake-1"), "model", b"[1.0]")])
    (found,) = memory.recall([row], "cache", max_age_seconds=MAX_AGE)
    assert found is not None
    assert found.inputs == orjson.dumps(row)
