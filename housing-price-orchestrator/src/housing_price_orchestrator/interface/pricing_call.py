"""One request for prices: reads the houses, prices them and encodes the response."""

import time
from collections.abc import Sequence

from fastapi import Request

from housing_price_orchestrator.interface.bytes_route import RawJsonResponse
from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect
from housing_price_orchestrator.interface.documents.body import read_price_body
from housing_price_orchestrator.interface.documents.encoding import encode_prediction, encode_predictions, source_header
from housing_price_orchestrator.interface.documents.reading import read_house, read_houses
from housing_price_orchestrator.interface.services import record_of, services_of
from housing_price_orchestrator.interface.timeout import timeout_seconds_of
from housing_price_orchestrator.shared.view.record import AnyHouse


class PricingCall:
    """Does what every pricing operation needs around the pricing itself.

    It enforces the limits of the body and the caller's timeout, cancels the pricing if the client disconnects, logs the
    transactions, and records how long each step took. Errors are those of the steps.
    """

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

    async def read_house(self) -> AnyHouse:
        """Read a body with one house."""
        limits = self._services.body_limits
        self._body = await read_price_body(
            self._request, max_bytes=limits.predict_bytes, timeout_seconds=limits.body_seconds
        )
        started_at = time.perf_counter()
        try:
            house = read_house(self._body)
        finally:
            self._record.validate_seconds = time.perf_counter() - started_at
        self._record.rows = 1
        return house

    async def read_houses(self) -> Sequence[AnyHouse]:
        """Read a body with a batch of houses."""
        limits = self._services.body_limits
        self._body = await read_price_body(
            self._request, max_bytes=limits.batch_bytes, timeout_seconds=limits.body_seconds
        )
        started_at = time.perf_counter()
        try:
            houses = await read_houses(self._body)
        finally:
            self._record.validate_seconds = time.perf_counter() - started_at
        self._record.rows = len(houses)
        return houses

    async def price(self, house: AnyHouse) -> RawJsonResponse:
        """Price one house."""
        services = self._services
        pricing = services.pricing.price(house, within_seconds=self._within_seconds)
        estimate = await cancel_on_disconnect(self._request.receive, pricing)
        priced_at = time.perf_counter()
        (transaction_id,) = services.transactions.complete((house,), (estimate,))
        content = encode_prediction(house, estimate, transaction_id, services.input_warnings)
        self._record.encode_seconds = time.perf_counter() - priced_at
        self._record.model_id = estimate.model.id
        return RawJsonResponse(content, source_header((estimate,)))

    async def price_all(self, houses: Sequence[AnyHouse]) -> RawJsonResponse:
        """Price all houses, in order, or fail as a whole."""
        services = self._services
        pricing = services.pricing.price_all(houses, within_seconds=self._within_seconds)
        estimates = await cancel_on_disconnect(self._request.receive, pricing)
        priced_at = time.perf_counter()
        transaction_ids = services.transactions.complete(houses, estimates)
        content = await encode_predictions(houses, estimates, transaction_ids, services.input_warnings)
        self._record.encode_seconds = time.perf_counter() - priced_at
        self._record.model_id = estimates[-1].model.id
        return RawJsonResponse(content, source_header(estimates), freed_after_sending=(self._body, houses, estimates))
