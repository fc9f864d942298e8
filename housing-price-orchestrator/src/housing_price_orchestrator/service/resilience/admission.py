"""Refuses at the door what could not be answered in time.

A queue that everybody is let into makes everybody wait until nobody is answered in time. What is expected to take
longer than it may is told so at once, which costs nearly nothing, and those inside are answered (Google SRE book,
"Handling Overload"; Breakwater, OSDI 2020).
"""

import time
from collections.abc import Callable, Sequence

from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import QueueFull
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class AdmissionPriceModel:
    """Lets in what is expected to be answered within its deadline, going by what the model server does just now.

    Nothing is refused while nothing has to wait, so there is always something to measure by, and a slowness that has
    passed is soon forgotten.
    """

    def __init__(
        self,
        model: PriceModel,
        queue: CoalescingPriceModel,
        *,
        share_of_deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let in to `model` what is expected to take at the most this share of its time in `queue`, where it waits."""
        self._model = model
        self._queue = queue
        self._share_of_deadline = share_of_deadline
        self._clock = clock
        self.refused = 0
        """How many questions were refused, since the start."""

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises `QueueFull` at once where the answer would come too late."""
        expected = self._queue.lane_of(len(houses)).seconds_until_answered(len(houses))
        if expected is not None:
            deadline = current_deadline.get()
            if deadline is not None:
                seconds = self._share_of_deadline * (deadline - self._clock())
                if expected > seconds:
                    self.refused += 1
                    raise QueueFull(f"it would take {expected:.3f} s", expected - seconds)
        return await self._model.price(houses)
