"""Several model servers as one: of those that are well, the one with the fewest rows to price is asked."""

from collections.abc import Sequence

from housing_price_orchestrator.provider.resilience.circuit import CircuitBreakerPriceModel
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse


class _Server:
    __slots__ = ("model", "outstanding_rows")

    def __init__(self, model: CircuitBreakerPriceModel) -> None:
        self.model = model
        self.outstanding_rows = 0


def _reluctance(server: _Server) -> tuple[int, float]:
    """Order by how little one wants to ask: in trouble is worse than busy, an open circuit is worst."""
    circuit = server.model.circuit
    if not circuit.is_closed:
        return 2, circuit.seconds_left
    return int(circuit.is_troubled), server.outstanding_rows


class BalancedPriceModel:
    """Spreads calls over several models by their outstanding rows. It chooses once: to ask another is a retry."""

    def __init__(self, models: Sequence[CircuitBreakerPriceModel]) -> None:
        """Ask any of `models`, of which there is at least one; they must make the same prices."""
        self._servers = [_Server(model) for model in models]

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; where every circuit is open, raises the `CircuitOpen` that ends first."""
        server = min(self._servers, key=_reluctance)
        server.outstanding_rows += len(houses)
        try:
            return await server.model.price(houses)
        finally:
            server.outstanding_rows -= len(houses)
