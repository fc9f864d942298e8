"""Several model servers as one: of those that are well, the one with the fewest rows to price is asked."""

import math
import time
from collections.abc import Callable, Sequence

from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerPriceModel
from housing_price_orchestrator.shared.errors import ModelServerUnavailable
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

RESENTED_SECONDS = 0.5
"""How long one that was away is asked last, whatever others hear of it. A server that stops still answers on open
connections, and has little to do: without this, it would be asked again for the very call that it refused."""


class _Server:
    __slots__ = ("away_at", "model", "outstanding_rows")

    def __init__(self, model: CircuitBreakerPriceModel) -> None:
        self.model = model
        self.outstanding_rows = 0
        self.away_at = -math.inf

    def reluctance(self, now: float) -> tuple[int, float]:
        """Order by how little one wants to ask: in trouble is worse than busy, an open circuit is worst."""
        circuit = self.model.circuit
        if not circuit.is_closed:
            return 2, circuit.seconds_left
        return int(circuit.is_troubled or now - self.away_at < RESENTED_SECONDS), self.outstanding_rows


class BalancedPriceModel:
    """Spreads calls over several models by their outstanding rows. It chooses once: to ask another is a retry."""

    def __init__(
        self, models: Sequence[CircuitBreakerPriceModel], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask any of `models`, of which there is at least one; they must make the same prices."""
        self._clock = clock
        self._servers = [_Server(model) for model in models]

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; where every circuit is open, raises the `CircuitOpen` that ends first."""
        now = self._clock()
        server = min(self._servers, key=lambda server: server.reluctance(now))
        server.outstanding_rows += len(houses)
        try:
            return await server.model.price(houses)
        except ModelServerUnavailable:
            server.away_at = self._clock()
            raise
        finally:
            server.outstanding_rows -= len(houses)
