"""What was asked and answered, and how right it was."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import PredictionLogOff, PredictionUnknown
from housing_price_orchestrator.shared.history import (
    Actual,
    ActualsTaken,
    LoggedPrediction,
    LogQuery,
    PredictionHistory,
    RealisedError,
)


class History:
    """Looks into the prediction log.

    Every method raises `PredictionLogOff` where there is none, and `PredictionLogUnavailable` where it is away.
    """

    def __init__(self, history: PredictionHistory | None) -> None:
        """Look into `history`; None where nothing is written down."""
        self._history = history

    async def find(self, transaction_id: str) -> LoggedPrediction:
        """Find a prediction.

        Raises:
            PredictionUnknown: there is none with this id.
        """
        found = await self._log.find(transaction_id)
        if found is None:
            raise PredictionUnknown(transaction_id)
        return found

    async def search(self, query: LogQuery) -> Sequence[LoggedPrediction]:
        """Find predictions, the newest first, up to the query's limit."""
        return await self._log.search(query)

    async def take(self, actuals: Sequence[Actual], *, key_id: str | None) -> ActualsTaken:
        """Keep what houses were sold for, beside their predictions."""
        return await self._log.take(actuals, key_id=key_id)

    async def realised_errors(self) -> Sequence[RealisedError]:
        """Tell how far off each model version was, by month of sale."""
        return await self._log.realised_errors()

    @property
    def _log(self) -> PredictionHistory:
        if self._history is None:
            raise PredictionLogOff("nothing is written down")
        return self._history
