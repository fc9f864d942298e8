"""Stand-ins that we wrote; each passes the contract suite of its port (contract/test_price_model.py)."""

import asyncio
from collections.abc import Sequence
from typing import Any

from housing_price_orchestrator.provider.circuit import Circuit
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House


class FakePriceModel:
    """Prices a house by its size alone, or fails with the error it was given, or waits until it is let go."""

    def __init__(self, *, error: Exception | None = None, gate: asyncio.Event | None = None) -> None:
        self.error = error
        self.gate = gate
        self.identity = ModelIdentity("fake", "1", "fake-1")
        self.asked: list[tuple[House, ...]] = []
        self._was_asked = asyncio.Event()

    async def price(self, houses: Sequence[House], /) -> Sequence[PriceEstimate]:
        if not houses:
            return []
        self.asked.append(tuple(houses))
        self._was_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [self._estimate(house) for house in houses]

    async def has_been_asked(self, times: int = 1) -> None:
        """Wait, for a bounded time, until it has been asked so often."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._was_asked.clear()
                await self._was_asked.wait()

    def _estimate(self, house: House) -> PriceEstimate:
        price = 50_000.25 + 60 * house.gr_liv_area + house.lot_area
        return PriceEstimate(price, 0.8 * price, 1.3 * price, self.identity)


class FakeClock:
    """A time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def a_circuit(**changes: Any) -> Circuit:
    """A circuit breaker's state, with some of its limits changed."""
    limits = {"max_failures": 5, "max_slow_calls": 2, "open_seconds": 0.25, "max_open_seconds": 1.0}
    return Circuit("http://model", **{**limits, **changes})
