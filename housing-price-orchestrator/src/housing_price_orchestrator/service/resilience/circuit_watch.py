"""Finds out whether a model server in trouble is well again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class CircuitWatch:
    """Asks for one real price, again and again, as long as something speaks against the model server.

    It asks also while the circuit is still closed, so that of several model servers one that has failed is looked at
    by us and not by a caller's request.
    """

    def __init__(
        self,
        circuit: Circuit,
        model: PriceModel,
        house: AnyHouse,
        *,
        slow_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ask `model` about `house`, and give up after `slow_seconds`: slower than that is not well."""
        self._circuit = circuit
        self._model = model
        self._house = house
        self._slow_seconds = slow_seconds
        self._sleep = sleep
        self._log = structlog.get_logger()

    async def ask(self) -> None:
        """Ask once, and tell the circuit how it went; nothing is raised: whoever watches must survive it."""
        self._circuit.half_open()
        limit = asyncio.timeout(self._slow_seconds)
        try:
            async with limit:
                await self._model.price((self._house,))
        except (RowsRefused, PriceImplausible):
            # It answers. That it knows no price for this house is not what opened the circuit.
            self._circuit.succeeded()
        except HousingPriceError:
            self._circuit.failed()
        except Exception as error:  # noqa: BLE001 - even a defect must not end the watch
            if limit.expired():
                self._circuit.was_slow()
            else:
                self._log.error("the watch over a circuit failed", address=self._circuit.address, exc_info=error)
                self._circuit.failed()
        else:
            self._circuit.succeeded()

    async def keep_watching(self) -> None:
        """Watch until cancelled."""
        while True:
            await self._circuit.is_in_trouble()
            while self._circuit.seconds_left:
                await self._sleep(self._circuit.seconds_left)
            # Calls that went well meanwhile have answered the question.
            if self._circuit.is_troubled:
                await self.ask()
