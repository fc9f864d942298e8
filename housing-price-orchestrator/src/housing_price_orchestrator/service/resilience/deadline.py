"""A time limit for each request to a model."""

import asyncio
import time
from collections.abc import Sequence

from housing_price_orchestrator.service.routing.variant_statistics import VariantStatistics
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import DeadlineExceeded, HousingPriceError, RowsRefused
from housing_price_orchestrator.shared.ports import Model


class DeadlineModel[Question, Answer]:
    """Limits the total time of each request, queueing and retries included.

    Promises that `answer` returns or raises by the deadline, and that the work behind it is cancelled then. Wrappers
    inside read the deadline from `current_deadline`.
    """

    def __init__(
        self, model: Model[Question, Answer], *, seconds: float, statistics: VariantStatistics | None = None
    ) -> None:
        """Limit each request to `seconds`, or to an earlier `current_deadline`.

        `statistics`, if given, counts answered and failed requests.
        """
        self._model = model
        self._seconds = seconds
        self._statistics = statistics
        self.in_flight = 0
        """Number of requests in flight."""

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises `DeadlineExceeded` at the deadline."""
        now = time.monotonic()
        given = current_deadline.get()
        deadline = now + self._seconds if given is None else min(given, now + self._seconds)
        if deadline <= now:
            raise DeadlineExceeded("the deadline passed before the request started")
        token = current_deadline.set(deadline)
        self.in_flight += 1
        limit = asyncio.timeout(deadline - now)
        try:
            async with limit:
                answers = await self._model.answer(questions)
        except TimeoutError as error:
            # A TimeoutError that this timeout did not cause passes through.
            if not limit.expired():
                raise
            if self._statistics is not None:
                self._statistics.record_failure()
            raise DeadlineExceeded(f"no answer within {deadline - now:.3f} s") from error
        except HousingPriceError as error:
            # Refused rows are the caller's fault, not the version's.
            if self._statistics is not None and not isinstance(error, RowsRefused):
                self._statistics.record_failure()
            raise
        else:
            if self._statistics is not None:
                self._statistics.record_success(len(questions), time.monotonic() - now)
            return answers
        finally:
            self.in_flight -= 1
            current_deadline.reset(token)
