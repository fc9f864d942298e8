"""One request for prices: reads the houses, prices them and encodes the response."""

import time
from collections.abc import Sequence

from housing_price_orchestrator.interface.bytes_route import RawJsonResponse
from housing_price_orchestrator.interface.calls.house_call import HouseCall
from housing_price_orchestrator.interface.documents.encoding import encode_prediction, encode_predictions, source_header
from housing_price_orchestrator.interface.documents.wrong_operation import PRICES
from housing_price_orchestrator.shared.view.record import AnyHouse


class PricingCall(HouseCall):
    """Prices the houses of a request, and logs the transactions. Errors are those of the steps."""

    operations = PRICES

    async def price(self, house: AnyHouse) -> RawJsonResponse:
        """Price one house."""
        services = self._services
        pricing = services.pricing.price(house, within_seconds=self._within_seconds)
        estimate = await self._until_disconnect(pricing)
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
        estimates = await self._until_disconnect(pricing)
        priced_at = time.perf_counter()
        transaction_ids = services.transactions.complete(houses, estimates)
        content = await encode_predictions(houses, estimates, transaction_ids, services.input_warnings)
        self._record.encode_seconds = time.perf_counter() - priced_at
        self._record.model_id = estimates[-1].model.id
        return RawJsonResponse(content, source_header(estimates), freed_after_sending=(self._body, houses, estimates))
