"""The `PriceModel` that an MLflow model server is."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from housing_price_orchestrator.observability.record import current_call
from housing_price_orchestrator.provider.model_server.columns import COLUMNS, row_of, write_row
from housing_price_orchestrator.provider.model_server.mlflow_client import NAME, MLflowClient
from housing_price_orchestrator.shared.errors import PriceImplausible
from housing_price_orchestrator.shared.ids import unique_ids
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, Variant
from housing_price_orchestrator.shared.view.record import AnyHouse

READINESS_CALL_ID = "readiness"
"""The id of calls that only want to know whether there is an answer; our model server logs them below `info`."""


_new_call_id = unique_ids()


class MLflowPriceModel:
    """Adapts the generic client to the port: houses to rows, answers to estimates that have been checked."""

    def __init__(
        self,
        client: MLflowClient,
        *,
        model_name: str,
        variant: Variant = "champion",
        new_call_id: Callable[[], str] = _new_call_id,
    ) -> None:
        """Ask through `client`, in the part of `variant`.

        `model_name` is what the model is called where the model server does not say; `new_call_id` makes what each call
        is known by in the model server's log.
        """
        self._variant: Variant = variant
        self._client = client
        self._model_name = model_name
        self._new_call_id = new_call_id

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`."""
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
            # The kind only: what the model server said is not for the log.
            raise PriceImplausible(f"{estimates.count(None)} of {len(estimates)} unusable", estimates)
        return estimates  # type: ignore[return-value]  # no None in it: there was no flaw

    def _identity(self, name: str, version: str | None, model_id: Any) -> ModelIdentity:
        if type(model_id) is not str or not NAME.fullmatch(model_id):
            raise TypeError("a model_id that is no name")
        return ModelIdentity(name, version or model_id, model_id, self._variant)


def _prices_in(prediction: Any) -> tuple[float, float, float]:
    price, low, high = prediction["price"], prediction["low"], prediction["high"]
    if not (type(price) is type(low) is type(high) is float):
        # A number and nothing that passes for one: True is an int to Python.
        for number in (price, low, high):
            if type(number) is not float and type(number) is not int:
                raise TypeError("a price that is no number")
        price, low, high = float(price), float(low), float(high)
    if not 0 < low <= price <= high < math.inf:
        raise ValueError("a price that makes no sense")
    return price, low, high
