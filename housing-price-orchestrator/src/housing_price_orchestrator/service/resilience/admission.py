"""Admission control: refuses requests that would miss their deadline in the queue.

Under overload an unlimited queue delays every request beyond its deadline. An early refusal costs almost nothing and
keeps the admitted requests on time (Google SRE book, "Handling Overload"; Breakwater, OSDI 2020).
"""

import time
from collections.abc import Callable, Sequence

from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import QueueFull
from housing_price_orchestrator.shared.ports import Model


class AdmissionModel[Question, Answer]:
    """Admits a request if the current throughput predicts an answer within its deadline.

    Promises a refusal at once, before anything is queued. Nothing is refused while nothing waits, so the estimate
    is always based on fresh measurements and recovers soon after a slow period.
    """

    def __init__(
        self,
        model: Model[Question, Answer],
        queue: CoalescingModel[Question, Answer],
        *,
        share_of_deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Admit to `model` what `queue` is expected to answer within `share_of_deadline` of the time left."""
        self._model = model
        self._queue = queue
        self._share_of_deadline = share_of_deadline
        self._clock = clock
        self.refused = 0
        """Requests refused since the start."""

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises `QueueFull` at once if the answer would be too late."""
        expected = self._queue.lane_of(len(questions)).seconds_until_answered(len(questions))
        if expected is not None:
            deadline = current_deadline.get()
            if deadline is not None:
                max_seconds = self._share_of_deadline * (deadline - self._clock())
                if expected > max_seconds:
                    self.refused += 1
                    raise QueueFull(
                        f"expected wait of {expected:.3f} s exceeds the limit of {max_seconds:.3f} s",
                        expected - max_seconds,
                    )
        return await self._model.answer(questions)
