"""Each price that is answered is a transaction: it gets an id, and is written down."""

from collections.abc import Callable, Sequence

from housing_price_orchestrator.shared.ids import time_ordered_ids
from housing_price_orchestrator.shared.ports import PredictionLog, PriceEstimate, Shadow
from housing_price_orchestrator.shared.view.record import AnyHouse


class Transactions:
    """Gives prices their ids, and hands them to the log and to the shadow where there is one."""

    def __init__(self, log: PredictionLog | None = None, new_ids: Callable[[int], list[str]] | None = None) -> None:
        """Write into `log`; `new_ids` makes so many ids at a time."""
        self._log = log
        self._new_ids = new_ids or time_ordered_ids()
        self.shadow: Shadow | None = None
        """What gets a copy; changed while requests go on."""

    def complete(self, houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate]) -> list[str]:
        """Say that these prices are being answered to the running request; gives the id of each, in order."""
        transaction_ids = self._new_ids(len(houses))
        if self._log is not None and transaction_ids:
            self._log.record(transaction_ids, houses, estimates)
        if self.shadow is not None and transaction_ids:
            self.shadow.copy(transaction_ids, houses, estimates)
        return transaction_ids
