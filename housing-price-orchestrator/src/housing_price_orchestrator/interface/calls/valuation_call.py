"""One request for valuations: reads the houses, values them and encodes the response."""

import time
from collections.abc import Sequence

from fastapi import Request

from housing_price_orchestrator.interface.bytes_route import RawJsonResponse
from housing_price_orchestrator.interface.calls.house_call import HouseCall
from housing_price_orchestrator.interface.calls.valuation_query import included_parts_of
from housing_price_orchestrator.interface.documents.encoding import source_header
from housing_price_orchestrator.interface.documents.valuation_encoding import ValuationEncoder
from housing_price_orchestrator.interface.documents.wrong_operation import VALUATIONS
from housing_price_orchestrator.service.valuation.valued_house import ValuedHouse
from housing_price_orchestrator.shared.view.record import AnyHouse


class ValuationCall(HouseCall):
    """Values the houses of a request, and logs the transactions. Errors are those of the steps."""

    operations = VALUATIONS

    def __init__(self, request: Request) -> None:
        """Read the caller's timeout and the included parts from the request.

        Raises:
            RequestValidationError: The timeout header or the query is invalid.
        """
        super().__init__(request)
        self._include = included_parts_of(request)

    @property
    def _max_batch_bytes(self) -> int:
        return self._services.body_limits.valuation_batch_bytes

    async def value(self, house: AnyHouse) -> RawJsonResponse:
        """Value one house."""
        (valued,) = houses = await self._value_all((house,))
        started_at = time.perf_counter()
        (transaction_id,) = self._complete(houses)
        content = self._encoder.encode(valued, transaction_id)
        self._record.encode_seconds = time.perf_counter() - started_at
        return RawJsonResponse(content, source_header((valued.price,)))

    async def value_all(self, houses: Sequence[AnyHouse]) -> RawJsonResponse:
        """Value all houses, in order, or fail as a whole."""
        valued = await self._value_all(houses)
        started_at = time.perf_counter()
        content = await self._encoder.encode_all(valued, self._complete(valued))
        self._record.encode_seconds = time.perf_counter() - started_at
        headers = source_header([one.price for one in valued])
        return RawJsonResponse(content, headers, freed_after_sending=(self._body, houses, valued))

    @property
    def _encoder(self) -> ValuationEncoder:
        return ValuationEncoder(self._services.input_warnings, with_comparables="comparables" in self._include)

    async def _value_all(self, houses: Sequence[AnyHouse]) -> Sequence[ValuedHouse]:
        work = self._services.valuations.value_all(houses, self._include, within_seconds=self._within_seconds)
        return await self._until_disconnect(work)

    def _complete(self, valued: Sequence[ValuedHouse]) -> Sequence[str]:
        """Log the valuations; returns their transaction ids."""
        self._record.model_id = valued[-1].price.model.id
        return self._services.transactions.complete(
            [one.house for one in valued], [one.price for one in valued], [one.record() for one in valued]
        )
