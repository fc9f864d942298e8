"""Past predictions, actual sale prices and the realised error."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import PredictionLogOff, PredictionUnknown
from housing_price_orchestrator.shared.history import (
    Actual,
    ActualsResult,
    LogCaller,
    LoggedPrediction,
    LogQuery,
    PredictionHistory,
    RealisedError,
    RealisedStudy,
)


class History:
    """Queries the prediction log. A caller sees its own predictions, or all predictions if `LogCaller.sees_all`.

    Every method raises `PredictionLogOff` if the log is disabled, `PredictionLogUnavailable` if its database cannot be
    reached, and `ValueUnsupported` if the database cannot process a value of the query.
    """

    def __init__(self, history: PredictionHistory | None) -> None:
        """Query `history`; None if the prediction log is disabled."""
        self._history = history

    async def find(self, transaction_id: str, caller: LogCaller) -> LoggedPrediction:
        """Find a prediction.

        Raises:
            PredictionUnknown: no prediction that `caller` may see has this transaction id.
        """
        found = await self._log.find(transaction_id, caller=caller)
        if found is None:
            raise PredictionUnknown(transaction_id)
        return found

    async def search(self, query: LogQuery, caller: LogCaller) -> Sequence[LoggedPrediction]:
        """Find predictions, newest first, up to the limit of the query."""
        return await self._log.search(query, caller=caller)

    async def store_actuals(self, actuals: Sequence[Actual], caller: LogCaller) -> ActualsResult:
        """Store actual sale prices for the caller's predictions."""
        return await self._log.store_actuals(actuals, caller=caller)

    async def realised_errors(self, caller: LogCaller) -> Sequence[RealisedError]:
        """Return the realised error of each model version, by month of sale."""
        return await self._log.realised_errors(caller=caller)

    async def realised_studies(self, caller: LogCaller) -> Sequence[RealisedStudy]:
        """Return the ratio study of each model version."""
        return await self._log.realised_studies(caller=caller)

    @property
    def _log(self) -> PredictionHistory:
        if self._history is None:
            raise PredictionLogOff("the prediction log is disabled")
        return self._history
