"""The last price of each house, bounded in number and in age."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from housing_price_orchestrator.provider.model_server.columns import Row, write_row
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceSource


class PriceMemory:
    """Remembers what the model answered last for each row: the house's columns, without the caller's id."""

    def __init__(
        self,
        *,
        max_houses: int,
        model_now: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the prices of the `max_houses` that were priced last.

        `model_now` gives the id of the model that is known from elsewhere to be answering, if it is.
        """
        self._max_houses = max_houses
        self._model_now = model_now
        self._clock = clock
        self._prices: OrderedDict[Row, tuple[PriceEstimate, float]] = OrderedDict()
        self._model_id: str | None = None

    def __len__(self) -> int:
        """Tell how many houses' prices are kept."""
        return len(self._prices)

    def remember(self, rows: Sequence[Row], estimates: Sequence[PriceEstimate]) -> None:
        """Keep what the model has just answered."""
        now = self._clock()
        for row, estimate in zip(rows, estimates, strict=True):
            # Rows that are equal may be written differently: 1 and 1.0.
            self._prices[row] = (msgspec.structs.replace(estimate, inputs=b""), now)
            self._prices.move_to_end(row)
        while len(self._prices) > self._max_houses:
            self._prices.popitem(last=False)
        if estimates:
            self._model_id = estimates[-1].model.id

    def recall(self, rows: Sequence[Row], source: PriceSource, *, max_age_seconds: float) -> list[PriceEstimate | None]:
        """Give the price of each row, marked with `source`, and None where there is none of the model that answers.

        A price for the `cache` must also be of the model that is known from elsewhere to be answering now.
        """
        oldest = self._clock() - max_age_seconds
        model_now = self._model_now() if source == "cache" else None
        found: list[PriceEstimate | None] = []
        for row in rows:
            estimate, made_at = self._prices.get(row, (None, 0.0))
            if (
                estimate is None
                or made_at < oldest
                or estimate.model.id != self._model_id
                or (model_now is not None and estimate.model.id != model_now)
            ):
                found.append(None)
            else:
                found.append(msgspec.structs.replace(estimate, source=source, inputs=write_row(row)))
        return found
