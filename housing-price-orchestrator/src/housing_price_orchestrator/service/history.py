"""Past predictions, actual sale prices and the realised error."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import PredictionLogOff, PredictionUnknown
from housing_price_orchestrator.shared.history import (
    Actual,
    ActualsResult,
    LoggedPrediction,
    LogQuery,
    PredictionHistory,
    RealisedError,
)


class History:
    """Queries the prediction log.

    Every method raises `PredictionLogOff` if the log is disabled, and `PredictionLogUnavailable` if its database cannot
    be reached.
    """

    def __init__(self, history: PredictionHistory | None) -> None:
        """Query `history`; None if the prediction log is disabled."""
        self._history = history

    async def find(self, transaction_id: str) -> LoggedPrediction:
        """Find a prediction.

        Raises:
            PredictionUnknown: no prediction has this transaction id.
        """
        found = await self._log.find(transaction_id)
        if found is None:
            raise PredictionUnknown(transaction_id)
        return found

    async def search(self, query: LogQuery) -> Sequence[LoggedPrediction]:
        """Find predictions, newest first, up to the limit of the query."""
        return await self._log.search(query)

    async def store_actuals(self, actuals: Sequence[Actual], *, key_id: str | None) -> ActualsResult:
        """Store actual sale prices for predictions; `key_id` identifies the caller."""
        return await self._log.store_actuals(actuals, key_id=key_id)

    async def realised_errors(self) -> Sequence[RealisedError]:
        """Return the realised error of each model version, by month of sale."""
        return await self._log.realised_errors()

    @property
    def _log(self) -> PredictionHistory:
        if self._history is None:
            raise PredictionLogOff("the prediction log is disabled")
        return self._history
