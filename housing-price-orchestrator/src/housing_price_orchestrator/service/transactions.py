"""Transactions: every price returned to a caller gets an id and is logged."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.ids import time_ordered_ids
from housing_price_orchestrator.shared.ports import PredictionLog, PriceEstimate, Shadow, ValuationRecord
from housing_price_orchestrator.shared.view.record import AnyHouse


class Transactions:
    """Assigns transaction ids, and passes prices to the prediction log and to the shadow."""

    def __init__(self, log: PredictionLog | None = None) -> None:
        """Record in `log`, if given."""
        self._log = log
        self._new_ids = time_ordered_ids()
        self.shadow: Shadow | None = None
        """Receives copies; replaced at run time when the routes change."""

    def complete(
        self,
        houses: Sequence[AnyHouse],
        estimates: Sequence[PriceEstimate],
        valuations: Sequence[ValuationRecord] = (),
    ) -> list[str]:
        """Record prices that the running request returns; returns their transaction ids, in order.

        `valuations` has one record per house if the request returns valuations.
        """
        transaction_ids = self._new_ids(len(houses))
        if self._log is not None and transaction_ids:
            self._log.record(transaction_ids, houses, estimates, valuations)
        if self.shadow is not None and transaction_ids:
            self.shadow.copy(transaction_ids, houses, estimates)
        return transaction_ids
