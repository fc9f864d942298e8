"""A champion with a canary beside it: a part of the composition root (`app.py`)."""

import asyncio
from collections.abc import Callable

from housing_price_orchestrator.observability.instruments import Distribution
from housing_price_orchestrator.service.resilience.deadline import DeadlinePriceModel
from housing_price_orchestrator.service.routing.canary import CANARY_SHARE_OF_TIME, RoutedPriceModel
from housing_price_orchestrator.service.routing.canary_watch import CanaryTrouble, CanaryWatch
from housing_price_orchestrator.service.routing.price_deviation import Comparing, deviation
from housing_price_orchestrator.shared.view.routes import CanaryRoute
from housing_price_orchestrator.upstream.served_version import SECONDS_BETWEEN_LOOKS, ServedModel

FAIR_SHARE = 0.9
"""A canary that had less than this share of the time that it has usually, because its caller was in a hurry, is not
judged by it."""


class ServedPair:
    """What requests go through while there is a canary. It owns neither of the two."""

    def __init__(
        self,
        champion: ServedModel,
        canary: ServedModel,
        route: CanaryRoute,
        *,
        deadline_seconds: float,
        deviations: Distribution,
        stop: Callable[[CanaryTrouble], None],
    ) -> None:
        """Give `canary` the share of the houses that `route` says, until it has passed its limits: then call `stop`."""
        self.watch = CanaryWatch(route.limits, stop)

        def compared(canary_usd: float, champion_usd: float) -> None:
            deviations.observe(deviation(canary_usd, champion_usd))
            self.watch.compared(canary_usd, champion_usd)

        self._comparing = Comparing(champion.aside, compared)
        self.priced, self.priced_patiently = (
            DeadlinePriceModel(
                RoutedPriceModel(
                    by_champion,
                    by_canary,
                    weight=route.weight,
                    watch=self.watch,
                    comparing=self._comparing,
                    fair_seconds=FAIR_SHARE * CANARY_SHARE_OF_TIME * deadline_seconds,
                ),
                seconds=deadline_seconds,
            )
            for by_champion, by_canary in (
                (champion.priced, canary.priced),
                (champion.priced_patiently, canary.priced_patiently),
            )
        )

    @property
    def _is_idle(self) -> bool:
        return not self.priced.under_way and not self.priced_patiently.under_way

    async def drained(self) -> None:
        """Wait until every request has ended; the deadline sees to it that each does."""
        while not self._is_idle:  # noqa: ASYNC110 - an event would have to be set by each request
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def aclose(self) -> None:
        """Compare nothing more."""
        await self._comparing.aclose()
