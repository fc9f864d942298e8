"""The `PriceModel` that an MLflow model server is."""

import math
from collections.abc import Sequence
from typing import Any

from housing_price_orchestrator.provider.columns import COLUMNS, row_of
from housing_price_orchestrator.provider.mlflow_client import MLflowClient
from housing_price_orchestrator.shared.errors import AnswerMalformed, PriceImplausible
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House


class MLflowPriceModel:
    """Adapts the generic client to the port: houses to rows, answers to estimates that have been checked."""

    def __init__(self, client: MLflowClient, *, model_name: str) -> None:
        """Ask through `client`; `model_name` is what the model is called where the model server does not say."""
        self._client = client
        self._model_name = model_name

    async def price(self, houses: Sequence[House], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`."""
        if not houses:
            return []
        answer = await self._client.invoke(COLUMNS, [row_of(house) for house in houses])
        name = answer.model_name or self._model_name
        identities: dict[str, ModelIdentity] = {}
        estimates = []
        for prediction in answer.predictions:
            price, low, high, model_id = _read(prediction)
            identity = identities.get(model_id)
            if identity is None:
                identity = identities[model_id] = ModelIdentity(name, answer.model_version or model_id, model_id)
            estimates.append(PriceEstimate(price, low, high, identity))
        return estimates


def _read(prediction: Any) -> tuple[float, float, float, str]:
    try:
        price, low, high = prediction["price"], prediction["low"], prediction["high"]
        model_id = prediction["model_id"]
    except (TypeError, KeyError, IndexError) as error:
        raise AnswerMalformed("a prediction without price, low, high and model_id") from error
    for number in (price, low, high):
        if type(number) is not float and type(number) is not int:
            raise AnswerMalformed(f"a price that is no number but {type(number).__name__}")
    if type(model_id) is not str or not model_id:
        raise AnswerMalformed("a model_id that is no text")
    if not 0 < low <= price <= high < math.inf:
        raise PriceImplausible(f"price {price}, interval {low} to {high}")
    return float(price), float(low), float(high), model_id
