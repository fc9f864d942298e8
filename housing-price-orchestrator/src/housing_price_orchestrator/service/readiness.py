"""Whether prices can be had right now, judged by asking for one."""

import asyncio
import time
from collections.abc import Callable

from housing_price_orchestrator.shared.ports import ModelIdentity, PriceModel
from housing_price_orchestrator.shared.view.house import House


class Readiness:
    """Asks the model for the price of one known house again and again, and remembers how it went."""

    def __init__(
        self,
        model: PriceModel,
        house: House,
        *,
        interval_seconds: float,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `model` about `house` every `interval_seconds`; a success counts for `max_age_seconds`."""
        self._model = model
        self._house = house
        self._interval_seconds = interval_seconds
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._succeeded_at: float | None = None
        self._identity: ModelIdentity | None = None
        self._error: Exception | None = None
        self._is_stopping = False

    @property
    def is_ready(self) -> bool:
        """Whether the last question was answered with a price, and not too long ago."""
        return (
            not self._is_stopping
            and self._error is None
            and self._succeeded_at is not None
            and self._clock() - self._succeeded_at <= self._max_age_seconds
        )

    @property
    def is_stopping(self) -> bool:
        """Whether the process is about to end."""
        return self._is_stopping

    def stop(self) -> None:
        """Be not ready from now on, because the process is about to end."""
        self._is_stopping = True

    @property
    def identity(self) -> ModelIdentity | None:
        """The model that made the last price; None before the first one."""
        return self._identity

    @property
    def error(self) -> Exception | None:
        """Why the last question was not answered; None where it was, or where none has come to an end yet."""
        return self._error

    def ask_another(self, model: PriceModel, identity: ModelIdentity | None) -> None:
        """Ask `model` from now on; it is known to be `identity` where it has just made a price."""
        self._model = model
        if identity is not None:
            self._has_priced(identity)

    async def ask(self) -> None:
        """Ask once; what goes wrong is remembered, not raised: whoever asks must survive it."""
        model = self._model
        try:
            (estimate,) = await model.price((self._house,))
        except Exception as error:  # noqa: BLE001 - even a defect must not end the asking
            # What another one answers now, which was asked before, says nothing any more.
            if model is self._model:
                self._error = error
        else:
            if model is self._model:
                self._has_priced(estimate.model)

    def _has_priced(self, identity: ModelIdentity) -> None:
        self._error = None
        self._succeeded_at = self._clock()
        self._identity = identity

    async def keep_asking(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(self._interval_seconds)
