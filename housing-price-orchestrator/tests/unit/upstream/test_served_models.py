"""The counters of served models: by kind, and never less after one has closed."""

from dataclasses import dataclass
from typing import Final, cast

import pytest

from fakes import a_circuit
from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit
from housing_price_orchestrator.shared.ports import ModelKind
from housing_price_orchestrator.upstream.served_models import (
    EARLIER,
    MAX_CLOSED_ADDRESSES,
    AnyServedModel,
    ServedModels,
)

pytestmark = pytest.mark.anyio

KINDS: Final[tuple[ModelKind, ...]] = ("price", "comparables")


@dataclass
class Retries:
    """The counters of a `RetryModel`."""

    retries: int
    retries_refused: int


@dataclass(eq=False)
class Counted:
    """The part of a `ServedModel` that is counted."""

    kind: ModelKind
    circuits: list[Circuit]
    retrying: Retries

    async def aclose(self) -> None:
        """Nothing is open."""


def a_served_model(
    kind: ModelKind, *addresses: str, opened: int = 0, retries: int = 0, refused: int = 0
) -> AnyServedModel:
    circuits = [a_circuit(max_failures=1) for _ in addresses]
    for circuit, address in zip(circuits, addresses, strict=True):
        circuit.address = address
        for _ in range(opened):
            circuit.record_failure()
            circuit.record_success()
    return cast("AnyServedModel", Counted(kind, circuits, Retries(retries, refused)))


async def test_totals_are_counted_by_kind_and_stay_when_a_model_closes() -> None:
    counted = ServedModels()
    price = a_served_model("price", "http://a", opened=1, retries=3, refused=1)
    comparables = a_served_model("comparables", "http://b", opened=2, retries=5)
    counted.open += [price, comparables]
    before = counted.retries, counted.retries_refused, counted.circuits_opened
    assert before == (
        {"price": 3, "comparables": 5},
        {"price": 1, "comparables": 0},
        {("http://a", "price"): 1, ("http://b", "comparables"): 2},
    )
    await counted.close(comparables)
    assert (counted.retries, counted.retries_refused, counted.circuits_opened) == before
    assert {address for address, _, _ in counted.circuit_states} == {"http://a"}
    counted.open.append(a_served_model("comparables", "http://b", opened=1, retries=1))
    assert counted.retries == {"price": 3, "comparables": 6}
    assert counted.circuits_opened["http://b", "comparables"] == 3
    await counted.close_all()
    assert counted.open == []
    assert counted.retries == {"price": 3, "comparables": 6}


async def test_oldest_closed_addresses_are_summed_by_kind() -> None:
    counted = ServedModels()
    for number in range(MAX_CLOSED_ADDRESSES):
        for kind in KINDS:
            served = a_served_model(kind, f"http://{kind}-{number}", opened=1)
            counted.open.append(served)
            await counted.close(served)
    counts = counted.circuits_opened
    assert len(counts) == MAX_CLOSED_ADDRESSES
    for kind in KINDS:
        assert sum(count for (_, of), count in counts.items() if of == kind) == MAX_CLOSED_ADDRESSES
        assert counts[EARLIER, kind] > 1
