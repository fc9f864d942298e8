import asyncio

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel, a_circuit
from housing_price_orchestrator.service.resilience.balancing import COOLDOWN_SECONDS, BalancedPriceModel
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerPriceModel
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryPriceModel
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerFailed, ModelServerUnavailable

pytestmark = pytest.mark.anyio


def guarded(*models: FakePriceModel, clock: FakeClock | None = None) -> list[CircuitBreakerPriceModel]:
    """Each model behind a circuit of its own, which three failures open."""
    clock = clock or FakeClock()
    return [CircuitBreakerPriceModel(one, a_circuit(max_failures=3, clock=clock), slow_seconds=60) for one in models]


async def test_the_one_with_the_fewest_rows_under_way_is_asked() -> None:
    gate = asyncio.Event()
    first, second = FakePriceModel(gate=gate), FakePriceModel(gate=gate)
    model = BalancedPriceModel(guarded(first, second))
    async with asyncio.TaskGroup() as group:
        group.create_task(model.price(houses(10)))
        await first.has_been_asked()
        group.create_task(model.price(houses(3)))
        await second.has_been_asked()
        # Three rows are fewer than ten, so the next goes there as well.
        group.create_task(model.price([house()]))
        await second.has_been_asked(times=2)
        gate.set()
    assert (len(first.asked), len(second.asked)) == (1, 2)


async def test_one_that_failed_is_asked_no_more_while_another_is_well() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = BalancedPriceModel(guarded(away, there))
    with pytest.raises(ModelServerUnavailable):
        await model.price([house()])
    for _ in range(5):
        await model.price([house()])
    assert (len(away.asked), len(there.asked)) == (1, 5)


async def test_it_chooses_once_and_a_retry_finds_the_other() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = RetryPriceModel(
        BalancedPriceModel(guarded(away, there)),
        budget=RetryBudget(ratio=0.2, floor=3),
        max_attempts=2,
        backoff_seconds=0.001,
    )
    assert list(await model.price(houses(2))) == list(await there.price(houses(2)))
    assert len(away.asked) == 1


async def test_one_that_is_well_again_is_asked_again() -> None:
    """Not at once: one that stops still answers others, and would be asked again for the call that it refused."""
    clock = FakeClock()
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    servers = guarded(away, there, clock=clock)
    model = BalancedPriceModel(servers, clock=clock)
    with pytest.raises(ModelServerUnavailable):
        await model.price([house()])
    away.error = None
    servers[0].circuit.record_success()
    await model.price([house()])
    assert (len(away.asked), len(there.asked)) == (1, 1)
    clock.passes(COOLDOWN_SECONDS)
    await model.price([house()])
    assert (len(away.asked), len(there.asked)) == (2, 1)


async def test_where_all_are_in_trouble_one_is_asked_all_the_same_until_its_circuit_opens() -> None:
    away = [FakePriceModel(error=ModelServerFailed("no")) for _ in range(2)]
    servers = guarded(*away)
    model = BalancedPriceModel(servers)
    for _ in range(6):
        with pytest.raises(ModelServerFailed):
            await model.price([house()])
    assert [len(one.asked) for one in away] == [3, 3]
    assert not any(server.circuit.is_closed for server in servers)
    with pytest.raises(CircuitOpen):
        await model.price([house()])
    assert [len(one.asked) for one in away] == [3, 3]


async def test_where_every_circuit_is_open_the_one_that_ends_first_says_when() -> None:
    clock = FakeClock()
    servers = guarded(FakePriceModel(), FakePriceModel(), clock=clock)
    for server in servers:
        for _ in range(3):
            server.circuit.record_failure()
        clock.passes(0.1)
    with pytest.raises(CircuitOpen) as refused:
        await BalancedPriceModel(servers).price([house()])
    assert refused.value.seconds_left == pytest.approx(servers[0].circuit.seconds_until_probe)
    assert servers[0].circuit.seconds_until_probe < servers[1].circuit.seconds_until_probe


async def test_a_caller_who_leaves_weighs_on_nobody() -> None:
    first, second = FakePriceModel(gate=asyncio.Event()), FakePriceModel()
    model = BalancedPriceModel(guarded(first, second))
    asking = asyncio.create_task(model.price(houses(10)))  # type: ignore[arg-type]  # it is a coroutine
    await first.has_been_asked()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    first.gate = None
    await model.price([house()])
    assert len(first.asked) == 2
