"""A time limit around a price model."""

import asyncio
import time
from collections.abc import Sequence

from housing_price_orchestrator.service.routing.variant_statistics import VariantRecord
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import DeadlineExceeded, HousingPriceError, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.timers import Timers
from housing_price_orchestrator.shared.view.record import AnyHouse


class DeadlinePriceModel:
    """Gives every question one total time; what is still running when it ends is cancelled."""

    def __init__(self, model: PriceModel, *, seconds: float, record: VariantRecord | None = None) -> None:
        """Give `model` so many seconds for each question, or less where the deadline that is set comes earlier.

        Where there is a `record`, it is told how each question ended.
        """
        self._model = model
        self._seconds = seconds
        self._record = record
        self.under_way = 0
        """How many questions wait for their answers."""
        self._timers = Timers()

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises `DeadlineExceeded` when the time is over."""
        now = time.monotonic()
        given = current_deadline.get()
        deadline = now + self._seconds if given is None else min(given, now + self._seconds)
        if deadline <= now:
            raise DeadlineExceeded("the time was over before anything was asked")
        token = current_deadline.set(deadline)
        self.under_way += 1
        limit = asyncio.timeout(None)
        timer = self._timers.call_later(deadline - now, lambda: limit.reschedule(0))
        try:
            async with limit:
                estimates = await self._model.price(houses)
        except TimeoutError as error:
            # A TimeoutError from further inside is somebody else's.
            if not limit.expired():
                raise
            if self._record is not None:
                self._record.is_failed()
            raise DeadlineExceeded(f"no answer within {deadline - now:.3f} s") from error
        except HousingPriceError as error:
            # Rows that are not taken speak against the rows.
            if self._record is not None and not isinstance(error, RowsRefused):
                self._record.is_failed()
            raise
        else:
            if self._record is not None:
                self._record.is_answered(len(houses), time.monotonic() - now)
            return estimates
        finally:
            self.under_way -= 1
            timer.cancel()
            current_deadline.reset(token)
