"""Several model servers as one: the one with the fewest rows to price is asked."""

import time
from collections.abc import Callable, Sequence

from housing_price_orchestrator.shared.errors import ModelServerUnavailable
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

SHUNNED_SECONDS = 1.0
"""For so long a model server that was away is asked only if all others are away too."""


class _Server:
    __slots__ = ("away_until", "model", "outstanding_rows")

    def __init__(self, model: PriceModel) -> None:
        self.model = model
        self.outstanding_rows = 0
        self.away_until = 0.0


class BalancedPriceModel:
    """Spreads calls over several models by their outstanding rows, and goes on to the next where one is away."""

    def __init__(self, models: Sequence[PriceModel], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask any of `models`; they must make the same prices."""
        self._servers = [_Server(model) for model in models]
        self._clock = clock

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises the last error where every model server is away."""
        now = self._clock()
        away: ModelServerUnavailable | None = None
        for server in sorted(self._servers, key=lambda one: (one.away_until > now, one.outstanding_rows)):
            server.outstanding_rows += len(houses)
            try:
                return await server.model.price(houses)
            except ModelServerUnavailable as error:
                # Without this, a dead server that fails at once would look idle and attract every call.
                server.away_until = self._clock() + SHUNNED_SECONDS
                away = error
            finally:
                server.outstanding_rows -= len(houses)
        raise away or ModelServerUnavailable("no model server is configured")
