"""A `PriceModel` backed by an MLflow model server."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from housing_price_orchestrator.observability.record import current_call
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.provider.model_server.mlflow_client import NAME, MLflowClient
from housing_price_orchestrator.shared.errors import PriceImplausible
from housing_price_orchestrator.shared.ids import unique_ids
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, Variant
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.columns import COLUMNS

READINESS_CALL_ID: Final = "readiness"
"""Call id of readiness probes; the product's model server logs these calls below `info`."""


_new_call_id = unique_ids()


class MLflowPriceModel:
    """Adapts the MLflow client to the port `PriceModel`: houses to rows, and answers to checked estimates."""

    def __init__(
        self,
        client: MLflowClient,
        *,
        model_name: str,
        variant: Variant = "champion",
        new_call_id: Callable[[], str] = _new_call_id,
    ) -> None:
        """Call `client` in the role of `variant`.

        Args:
            client: the client of the model server.
            model_name: the name to report if the model server does not give one.
            variant: the role of this model: champion, canary or shadow.
            new_call_id: creates the call id that appears in the model server's log.
        """
        self._variant: Variant = variant
        self._client = client
        self._model_name = model_name
        self._new_call_id = new_call_id

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`."""
        if not houses:
            return []
        call_id = self._new_call_id()
        call = current_call.get()
        if call is not None:
            call.id = call_id
            call.attempts += 1
            call.address = self._client.address
        rows = [write_row(row_of(house)) for house in houses]
        answer = await self._client.invoke(COLUMNS, rows, call_id=call_id)
        name = answer.model_name or self._model_name
        identities: dict[str, ModelIdentity] = {}
        estimates: list[PriceEstimate | None] = []
        is_flawed = False
        for inputs, prediction in zip(rows, answer.predictions, strict=True):
            try:
                price, low, high = _prices_in(prediction)
                model_id = prediction["model_id"]
                identity = identities.get(model_id)
                if identity is None:
                    identity = identities[model_id] = self._identity(name, answer.model_version, model_id)
            except (TypeError, ValueError, LookupError, OverflowError):
                is_flawed = True
                estimates.append(None)
            else:
                estimates.append(PriceEstimate(price, low, high, identity, "model", inputs))
        if is_flawed:
            # The message has no text of the model server: it must not reach the log.
            raise PriceImplausible(f"{estimates.count(None)} of {len(estimates)} unusable", estimates)
        return estimates  # type: ignore[return-value]  # without flaws there is no None

    def _identity(self, name: str, version: str | None, model_id: Any) -> ModelIdentity:
        if type(model_id) is not str or not NAME.fullmatch(model_id):
            raise TypeError("model_id is not a valid name")
        return ModelIdentity(name, version or model_id, model_id, self._variant)


def _prices_in(prediction: Any) -> tuple[float, float, float]:
    price, low, high = prediction["price"], prediction["low"], prediction["high"]
    if not (type(price) is type(low) is type(high) is float):
        # Exact types: in Python, True is an int.
        for number in (price, low, high):
            if type(number) is not float and type(number) is not int:
                raise TypeError("the price is not a number")
        price, low, high = float(price), float(low), float(high)
    if not 0 < low <= price <= high < math.inf:
        raise ValueError("the price is not finite, not positive or outside its interval")
    return price, low, high
