"""Shared by every operation on houses: the work around the operation itself."""

import time
from collections.abc import Awaitable, Sequence

from fastapi import Request

from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect
from housing_price_orchestrator.interface.documents.batch_reading import read_houses
from housing_price_orchestrator.interface.documents.body import read_price_body
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.interface.documents.wrong_operation import OperationPair
from housing_price_orchestrator.interface.services import record_of, services_of
from housing_price_orchestrator.interface.timeout import timeout_seconds_of
from housing_price_orchestrator.shared.view.record import AnyHouse


class HouseCall:
    """Reads the houses of a request.

    It enforces the limits of the body and the caller's timeout, cancels the work if the client disconnects, and records
    how long each step took. Errors are those of the steps.
    """

    operations: OperationPair
    """The operation for one house and the one for a batch, which errors name."""

    def __init__(self, request: Request) -> None:
        """Read the caller's timeout from the request.

        Raises:
            RequestValidationError: The timeout header is invalid.
        """
        self._request = request
        self._services = services_of(request)
        self._within_seconds = timeout_seconds_of(request)
        self._record = record_of(request)
        self._body = b""

    @property
    def _max_batch_bytes(self) -> int:
        return self._services.body_limits.batch_bytes

    async def read_house(self) -> AnyHouse:
        """Read a body with one house."""
        limits = self._services.body_limits
        self._body = await read_price_body(
            self._request, max_bytes=limits.predict_bytes, timeout_seconds=limits.body_seconds
        )
        started_at = time.perf_counter()
        try:
            house = read_house(self._body, operations=self.operations)
        finally:
            self._record.validate_seconds = time.perf_counter() - started_at
        self._record.rows = 1
        return house

    async def read_houses(self) -> Sequence[AnyHouse]:
        """Read a body with a batch of houses."""
        limits = self._services.body_limits
        self._body = await read_price_body(
            self._request, max_bytes=self._max_batch_bytes, timeout_seconds=limits.body_seconds
        )
        started_at = time.perf_counter()
        try:
            houses = await read_houses(self._body, operations=self.operations)
        finally:
            self._record.validate_seconds = time.perf_counter() - started_at
        self._record.rows = len(houses)
        return houses

    def _until_disconnect[Answer](self, work: Awaitable[Answer]) -> Awaitable[Answer]:
        """Return `work`, cancelled if the client disconnects."""
        return cancel_on_disconnect(self._request.receive, work)
