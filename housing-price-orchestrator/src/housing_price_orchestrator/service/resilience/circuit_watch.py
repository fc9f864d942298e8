"""Probes a suspect model server until it recovers."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit
from housing_price_orchestrator.shared.errors import HousingPriceError, RowsRefused, SomeAnswersUnusable
from housing_price_orchestrator.shared.ports import Model


class CircuitWatch[Question]:
    """Probes with one real question at a time while the circuit is suspect, and closes it after a success.

    Probes start after the first failure, before the circuit opens. With several model servers, a probe and not a
    caller's request tests the one that failed.
    """

    def __init__(
        self,
        circuit: Circuit,
        model: Model[Question, object],
        question: Question,
        *,
        slow_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Probe by asking `model` the `question`; a probe longer than `slow_seconds` counts as a slow call."""
        self._circuit = circuit
        self._model = model
        self._question = question
        self._slow_seconds = slow_seconds
        self._sleep = sleep
        self._log = structlog.get_logger()

    async def probe(self) -> None:
        """Probe once and record the result in the circuit. Raises nothing, so that the watch continues."""
        self._circuit.half_open()
        limit = asyncio.timeout(self._slow_seconds)
        try:
            async with limit:
                await self._model.answer((self._question,))
        except (RowsRefused, SomeAnswersUnusable):
            # The server answers. An error about this question says nothing about the server.
            self._circuit.record_success()
        except HousingPriceError:
            self._circuit.record_failure()
        except Exception as error:  # noqa: BLE001 - a bug must not end the watch
            if limit.expired():
                self._circuit.record_slow_call()
            else:
                self._log.error("circuit probe failed: unexpected error", address=self._circuit.address, exc_info=error)
                self._circuit.record_failure()
        else:
            self._circuit.record_success()

    async def run(self) -> None:
        """Probe whenever the circuit is suspect, until cancelled."""
        while True:
            await self._circuit.wait_until_suspect()
            while self._circuit.seconds_until_probe:
                await self._sleep(self._circuit.seconds_until_probe)
            # A successful call in the meantime makes the probe unnecessary.
            if self._circuit.is_suspect:
                await self.probe()
