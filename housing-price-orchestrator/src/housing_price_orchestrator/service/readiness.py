"""Readiness of the service, tested by requesting a real price."""

import asyncio
import time
from collections.abc import Callable

from housing_price_orchestrator.shared.ports import ModelIdentity, PriceModel
from housing_price_orchestrator.shared.view.house import House


class Readiness:
    """Requests the price of one known house at a fixed interval, and keeps the latest result."""

    def __init__(
        self,
        model: PriceModel,
        house: House,
        *,
        interval_seconds: float,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Probe `model` with `house` every `interval_seconds`; a success counts for `max_age_seconds`."""
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
        """Whether the latest probe succeeded recently and the process is not stopping."""
        return (
            not self._is_stopping
            and self._error is None
            and self._succeeded_at is not None
            and self._clock() - self._succeeded_at <= self._max_age_seconds
        )

    @property
    def is_stopping(self) -> bool:
        """Whether the process is stopping."""
        return self._is_stopping

    def stop(self) -> None:
        """Report not ready from now on, because the process is stopping."""
        self._is_stopping = True

    @property
    def identity(self) -> ModelIdentity | None:
        """Model that made the latest price; None before the first one."""
        return self._identity

    @property
    def error(self) -> Exception | None:
        """Error of the latest probe; None if it succeeded or none has finished."""
        return self._error

    def use_model(self, model: PriceModel, identity: ModelIdentity | None) -> None:
        """Probe `model` from now on; `identity`, if given, is the identity with which it has just answered."""
        self._model = model
        if identity is not None:
            self._record_price(identity)

    async def probe(self) -> None:
        """Probe once. Keeps an error in `error` and raises nothing, so that probing continues."""
        model = self._model
        try:
            (estimate,) = await model.answer((self._house,))
        except Exception as error:  # noqa: BLE001 - a bug must not end the probing
            # A result of a model that was replaced during the probe is ignored.
            if model is self._model:
                self._error = error
        else:
            if model is self._model:
                self._record_price(estimate.model)

    def _record_price(self, identity: ModelIdentity) -> None:
        self._error = None
        self._succeeded_at = self._clock()
        self._identity = identity

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(self._interval_seconds)
