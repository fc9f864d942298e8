"""A champion and a canary that share the traffic. Part of the composition root (`app.py`)."""

import asyncio
from collections.abc import Callable
from typing import Final

from housing_price_orchestrator.observability.instruments import Distribution
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.routing.canary import CANARY_TIME_SHARE, RoutedPriceModel
from housing_price_orchestrator.service.routing.canary_watch import CanaryWatch, ExceededLimit
from housing_price_orchestrator.service.routing.price_deviation import CanaryComparison, deviation
from housing_price_orchestrator.shared.view.routes import CanaryRoute
from housing_price_orchestrator.upstream.served_version import IDLE_POLL_SECONDS, ServedVersion

MIN_FAIR_TIME_SHARE: Final = 0.9
"""A canary timeout counts as a failure only if the canary had at least this share of its usual time. A caller with a
short deadline thus cannot stop the canary."""


class ServedPair:
    """Routes requests between a champion and a canary. Closing the pair closes neither version."""

    def __init__(
        self,
        champion: ServedVersion,
        canary: ServedVersion,
        route: CanaryRoute,
        *,
        deadline_seconds: float,
        deviations: Distribution,
        stop: Callable[[ExceededLimit], None],
    ) -> None:
        """Send `canary` the share of houses that `route` sets; call `stop` when it exceeds a limit."""
        self.watch = CanaryWatch(route.limits, stop)

        def on_compared(canary_usd: float, champion_usd: float) -> None:
            deviations.observe(deviation(canary_usd, champion_usd))
            self.watch.record_comparison(canary_usd, champion_usd)

        self._comparison = CanaryComparison(champion.background, on_compared)
        self.online, self.bulk = (
            DeadlineModel(
                RoutedPriceModel(
                    by_champion,
                    by_canary,
                    weight=route.weight,
                    watch=self.watch,
                    comparison=self._comparison,
                    min_fair_seconds=MIN_FAIR_TIME_SHARE * CANARY_TIME_SHARE * deadline_seconds,
                ),
                seconds=deadline_seconds,
            )
            for by_champion, by_canary in (
                (champion.online, canary.online),
                (champion.bulk, canary.bulk),
            )
        )

    @property
    def _is_idle(self) -> bool:
        return not self.online.in_flight and not self.bulk.in_flight

    async def wait_until_idle(self) -> None:
        """Wait until no request is in flight; the deadline bounds the wait."""
        while not self._is_idle:  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(IDLE_POLL_SECONDS)

    async def aclose(self) -> None:
        """Stop the comparison in progress."""
        await self._comparison.aclose()
