"""Opening and closing of a circuit."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog
from structlog.testing import capture_logs

from factories import house
from fakes import FakeClock, FakePriceModel, a_circuit
from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.service.resilience.circuit_breaker import (
    SUSPECT_PROBE_DELAY_SECONDS,
    Circuit,
    CircuitBreakerModel,
    CircuitState,
)
from housing_price_orchestrator.service.resilience.circuit_watch import CircuitWatch
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio

MAX_FAILURES, MAX_SLOW_CALLS = 3, 2
OPEN_SECONDS, MAX_OPEN_SECONDS = 1.0, 4.0
LONG, AT_ONCE = 60.0, 0.01


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def circuit(clock: FakeClock) -> Circuit:
    return a_circuit(
        max_failures=MAX_FAILURES,
        max_slow_calls=MAX_SLOW_CALLS,
        open_seconds=OPEN_SECONDS,
        max_open_seconds=MAX_OPEN_SECONDS,
        clock=clock,
    )


@pytest.mark.parametrize(("has_answered", "level"), [(False, "info"), (True, "warning")])
async def test_a_server_that_has_never_answered_is_still_starting_and_no_warning(
    *, has_answered: bool, level: str
) -> None:
    structlog.reset_defaults()
    with capture_logs() as logged:
        circuit = a_circuit(max_failures=1)
        if has_answered:
            circuit.record_success()
        circuit.record_failure()
    assert [(line["event"], line["log_level"]) for line in logged] == [("circuit opened", level)]


async def fails(model: CircuitBreakerModel[House, PriceEstimate], times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(errors.HousingPriceError):
            await model.answer([house()])


async def wait_for_state(circuit: Circuit, state: CircuitState) -> None:
    async with asyncio.timeout(10):
        while circuit.state is not state:
            await asyncio.sleep(0)


SERVER_ERRORS = [
    errors.ModelServerUnavailable("no"),
    errors.ModelServerBusy("no"),
    errors.ModelServerFailed("no"),
    errors.DeadlineExceeded("no"),
    errors.AnswerMalformed("no"),
    errors.AnswerIncomplete("no"),
]
ROW_ERRORS = [errors.RowsRefused("no"), errors.PriceImplausible("no", [None])]


def name_of(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", SERVER_ERRORS, ids=name_of)
async def test_failures_in_a_row_open_the_circuit_and_calls_are_refused(circuit: Circuit, error: Exception) -> None:
    behind = FakePriceModel(error=error)
    model = CircuitBreakerModel(behind, circuit, slow_seconds=LONG)
    await fails(model, MAX_FAILURES - 1)
    assert circuit.is_closed
    await fails(model)
    assert circuit.state is CircuitState.OPEN
    with pytest.raises(errors.CircuitOpen) as refused:
        await model.answer([house()])
    assert refused.value.seconds_left == OPEN_SECONDS
    assert refused.value.retry_after_seconds == 1
    assert len(behind.asked) == MAX_FAILURES
    assert circuit.opened == 1


@pytest.mark.parametrize("error", ROW_ERRORS, ids=name_of)
async def test_errors_of_the_rows_count_as_success(circuit: Circuit, error: Exception) -> None:
    behind = FakePriceModel(error=error)
    model = CircuitBreakerModel(behind, circuit, slow_seconds=LONG)
    await fails(model, 5 * MAX_FAILURES)
    assert circuit.is_closed
    behind.error = errors.ModelServerFailed("no")
    await fails(model, MAX_FAILURES - 1)
    behind.error = error
    await fails(model)
    behind.error = errors.ModelServerFailed("no")
    await fails(model, MAX_FAILURES - 1)
    assert circuit.is_closed


async def test_success_resets_the_failure_count(circuit: Circuit) -> None:
    behind = FakePriceModel()
    model = CircuitBreakerModel(behind, circuit, slow_seconds=LONG)
    for _ in range(5):
        behind.error = errors.ModelServerUnavailable("away")
        await fails(model, MAX_FAILURES - 1)
        behind.error = None
        await model.answer([house()])
    assert circuit.is_closed
    assert not circuit.is_suspect


async def test_cancelled_call_does_not_count(circuit: Circuit) -> None:
    behind = FakePriceModel(gate=asyncio.Event())
    model = CircuitBreakerModel(behind, circuit, slow_seconds=LONG)
    for times in range(1, 5 * MAX_FAILURES):
        task = asyncio.create_task(model.answer([house()]))
        await behind.wait_until_asked(times)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert circuit.is_closed
    assert not circuit.is_suspect


async def test_unexpected_error_does_not_count(circuit: Circuit) -> None:
    model = CircuitBreakerModel(FakePriceModel(error=RuntimeError()), circuit, slow_seconds=LONG)
    for _ in range(5 * MAX_FAILURES):
        with pytest.raises(RuntimeError):
            await model.answer([house()])
    assert circuit.is_closed


async def test_hanging_calls_open_the_circuit_while_they_hang(circuit: Circuit) -> None:
    behind = FakePriceModel(gate=asyncio.Event())
    model = CircuitBreakerModel(behind, circuit, slow_seconds=AT_ONCE)
    hanging = [asyncio.create_task(model.answer([house()])) for _ in range(MAX_SLOW_CALLS)]
    await wait_for_state(circuit, CircuitState.OPEN)
    assert not any(task.done() for task in hanging)
    assert behind.gate is not None
    behind.gate.set()
    await asyncio.gather(*hanging)


async def test_slow_call_counts_once_however_it_ends(circuit: Circuit) -> None:
    behind = FakePriceModel(gate=asyncio.Event(), error=errors.ModelServerFailed("no"))
    model = CircuitBreakerModel(behind, circuit, slow_seconds=AT_ONCE)
    hanging = asyncio.create_task(model.answer([house()]))
    await asyncio.wait_for(circuit.wait_until_suspect(), 10)
    assert behind.gate is not None
    behind.gate.set()
    await asyncio.gather(hanging, return_exceptions=True)
    quick = CircuitBreakerModel(FakePriceModel(error=errors.ModelServerFailed("no")), circuit, slow_seconds=LONG)
    await fails(quick, MAX_FAILURES - 1)
    assert circuit.is_closed
    await fails(quick)
    assert not circuit.is_closed


async def test_late_answer_does_not_count_as_success(circuit: Circuit) -> None:
    behind = FakePriceModel(gate=asyncio.Event())
    model = CircuitBreakerModel(behind, circuit, slow_seconds=AT_ONCE)
    hanging = asyncio.create_task(model.answer([house()]))
    await asyncio.wait_for(circuit.wait_until_suspect(), 10)
    assert behind.gate is not None
    behind.gate.set()
    assert len(await hanging) == 1
    assert circuit.is_suspect


async def test_call_record_has_the_circuit_state(circuit: Circuit) -> None:
    record = CallRecord()
    behind = FakePriceModel()
    model = CircuitBreakerModel(behind, circuit, slow_seconds=LONG)

    async def calling() -> None:
        current_call.set(record)
        await model.answer([house()])
        assert record.circuit == "closed"
        behind.error = errors.ModelServerFailed("no")
        await fails(model, MAX_FAILURES)

    await asyncio.create_task(calling())
    assert record.circuit == "open"


class TestWatch:
    """Probes of a suspect server, with a clock that `sleep` advances."""

    @pytest.fixture
    def behind(self) -> FakePriceModel:
        return FakePriceModel()

    @pytest.fixture
    def watch(self, circuit: Circuit, behind: FakePriceModel, clock: FakeClock) -> CircuitWatch[House]:
        async def sleep(seconds: float) -> None:
            clock.passes(seconds)
            await asyncio.sleep(0)

        return CircuitWatch(circuit, behind, house(id=777), slow_seconds=LONG, sleep=sleep)

    @staticmethod
    def open(circuit: Circuit) -> None:
        for _ in range(MAX_FAILURES):
            circuit.record_failure()

    async def test_successful_probe_closes_the_circuit(
        self, circuit: Circuit, watch: CircuitWatch[House], behind: FakePriceModel
    ) -> None:
        self.open(circuit)
        await watch.probe()
        assert circuit.is_closed
        assert not circuit.is_suspect
        assert behind.asked == [(house(id=777),)]

    @pytest.mark.parametrize("error", ROW_ERRORS, ids=name_of)
    async def test_probe_answered_without_a_price_closes_the_circuit(
        self, circuit: Circuit, watch: CircuitWatch[House], behind: FakePriceModel, error: Exception
    ) -> None:
        self.open(circuit)
        behind.error = error
        await watch.probe()
        assert circuit.is_closed

    @pytest.mark.parametrize("error", [*SERVER_ERRORS, RuntimeError("a defect")], ids=name_of)
    async def test_failed_probes_double_the_open_time_up_to_the_maximum(
        self, circuit: Circuit, watch: CircuitWatch[House], behind: FakePriceModel, error: Exception
    ) -> None:
        self.open(circuit)
        behind.error = error
        times = [circuit.seconds_until_probe]
        for _ in range(4):
            await watch.probe()
            assert circuit.state is CircuitState.OPEN
            times.append(circuit.seconds_until_probe)
        assert times == [1.0, 2.0, 4.0, 4.0, 4.0]
        behind.error = None
        await watch.probe()
        self.open(circuit)
        assert circuit.seconds_until_probe == OPEN_SECONDS

    async def test_calls_are_refused_while_a_probe_runs(
        self, circuit: Circuit, watch: CircuitWatch[House], behind: FakePriceModel
    ) -> None:
        self.open(circuit)
        behind.gate = asyncio.Event()
        task = asyncio.create_task(watch.probe())
        await behind.wait_until_asked()
        assert circuit.state is CircuitState.HALF_OPEN
        with pytest.raises(errors.CircuitOpen):
            await CircuitBreakerModel(behind, circuit, slow_seconds=LONG).answer([house()])
        behind.gate.set()
        await task
        assert circuit.is_closed

    async def test_hanging_probe_is_abandoned(self, circuit: Circuit) -> None:
        self.open(circuit)
        behind = FakePriceModel(gate=asyncio.Event())
        await CircuitWatch(circuit, behind, house(), slow_seconds=AT_ONCE).probe()
        assert circuit.state is CircuitState.OPEN

    async def test_probes_until_recovery_and_then_stops(
        self, circuit: Circuit, clock: FakeClock, watch: CircuitWatch[House]
    ) -> None:
        class Recovering(FakePriceModel):
            async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
                self.error = errors.ModelServerUnavailable("away") if len(self.asked) < 5 else None
                return await super().answer(houses)

        behind = Recovering()
        watch = CircuitWatch(circuit, behind, house(), slow_seconds=LONG, sleep=watch._sleep)
        watching = asyncio.create_task(watch.run())
        self.open(circuit)
        began = clock.now
        await wait_for_state(circuit, CircuitState.CLOSED)
        assert len(behind.asked) == 6
        assert clock.now - began == 1 + 2 + 4 + 4 + 4 + 4
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(behind.asked) == 6
        # The watch also handles the next failure.
        behind.asked.clear()
        self.open(circuit)
        await wait_for_state(circuit, CircuitState.CLOSED)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    async def test_suspect_server_is_probed_before_its_circuit_opens(
        self, circuit: Circuit, clock: FakeClock, watch: CircuitWatch[House], behind: FakePriceModel
    ) -> None:
        watching = asyncio.create_task(watch.run())
        began = clock.now
        circuit.record_failure()
        await behind.wait_until_asked()
        async with asyncio.timeout(10):
            while circuit.is_suspect:
                await asyncio.sleep(0)
        assert clock.now - began == SUSPECT_PROBE_DELAY_SECONDS
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
