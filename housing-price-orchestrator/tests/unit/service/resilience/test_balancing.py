import asyncio

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel, a_circuit
from housing_price_orchestrator.service.resilience.balancing import COOLDOWN_SECONDS, BalancedModel
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerModel
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryModel
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerFailed, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.house import House

pytestmark = pytest.mark.anyio


def guarded(*models: FakePriceModel, clock: FakeClock | None = None) -> list[CircuitBreakerModel[House, PriceEstimate]]:
    """Put each model behind a circuit that three failures open."""
    clock = clock or FakeClock()
    return [CircuitBreakerModel(one, a_circuit(max_failures=3, clock=clock), slow_seconds=60) for one in models]


async def test_server_with_the_fewest_rows_in_flight_is_chosen() -> None:
    gate = asyncio.Event()
    first, second = FakePriceModel(gate=gate), FakePriceModel(gate=gate)
    model = BalancedModel(guarded(first, second))
    async with asyncio.TaskGroup() as group:
        group.create_task(model.answer(houses(10)))
        await first.wait_until_asked()
        group.create_task(model.answer(houses(3)))
        await second.wait_until_asked()
        # Three rows in flight are fewer than ten, so the next call goes there as well.
        group.create_task(model.answer([house()]))
        await second.wait_until_asked(times=2)
        gate.set()
    assert (len(first.asked), len(second.asked)) == (1, 2)


async def test_failed_server_is_avoided_while_another_is_healthy() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = BalancedModel(guarded(away, there))
    with pytest.raises(ModelServerUnavailable):
        await model.answer([house()])
    for _ in range(5):
        await model.answer([house()])
    assert (len(away.asked), len(there.asked)) == (1, 5)


async def test_retry_reaches_the_other_server() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = RetryModel(
        BalancedModel(guarded(away, there)),
        budget=RetryBudget(ratio=0.2, floor=3),
        max_attempts=2,
        backoff_seconds=0.001,
    )
    assert list(await model.answer(houses(2))) == list(await there.answer(houses(2)))
    assert len(away.asked) == 1


async def test_recovered_server_is_used_after_the_cooldown() -> None:
    """The cooldown keeps a server that is shutting down from getting the retry of the call that it refused."""
    clock = FakeClock()
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    servers = guarded(away, there, clock=clock)
    model = BalancedModel(servers, clock=clock)
    with pytest.raises(ModelServerUnavailable):
        await model.answer([house()])
    away.error = None
    servers[0].circuit.record_success()
    await model.answer([house()])
    assert (len(away.asked), len(there.asked)) == (1, 1)
    clock.passes(COOLDOWN_SECONDS)
    await model.answer([house()])
    assert (len(away.asked), len(there.asked)) == (2, 1)


async def test_suspect_servers_are_used_until_their_circuits_open() -> None:
    away = [FakePriceModel(error=ModelServerFailed("no")) for _ in range(2)]
    servers = guarded(*away)
    model = BalancedModel(servers)
    for _ in range(6):
        with pytest.raises(ModelServerFailed):
            await model.answer([house()])
    assert [len(one.asked) for one in away] == [3, 3]
    assert not any(server.circuit.is_closed for server in servers)
    with pytest.raises(CircuitOpen):
        await model.answer([house()])
    assert [len(one.asked) for one in away] == [3, 3]


async def test_with_all_circuits_open_retry_after_is_the_earliest_probe() -> None:
    clock = FakeClock()
    servers = guarded(FakePriceModel(), FakePriceModel(), clock=clock)
    for server in servers:
        for _ in range(3):
            server.circuit.record_failure()
        clock.passes(0.1)
    with pytest.raises(CircuitOpen) as refused:
        await BalancedModel(servers).answer([house()])
    assert refused.value.seconds_left == pytest.approx(servers[0].circuit.seconds_until_probe)
    assert servers[0].circuit.seconds_until_probe < servers[1].circuit.seconds_until_probe


async def test_cancelled_call_frees_its_rows() -> None:
    first, second = FakePriceModel(gate=asyncio.Event()), FakePriceModel()
    model = BalancedModel(guarded(first, second))
    task = asyncio.create_task(model.answer(houses(10)))
    await first.wait_until_asked()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    first.gate = None
    await model.answer([house()])
    assert len(first.asked) == 2
