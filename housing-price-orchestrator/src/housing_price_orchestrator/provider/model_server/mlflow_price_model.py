"""A `PriceModel` backed by an MLflow model server."""

import math
from typing import Any

from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.provider.model_server.mlflow_model import MLflowModel
from housing_price_orchestrator.shared.errors import PriceImplausible
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, EncodedHouse


class MLflowPriceModel(MLflowModel[AnyHouse, PriceEstimate]):
    """Predicts prices: houses to rows, and predictions to checked estimates."""

    unusable = PriceImplausible

    def _write(self, house: AnyHouse, /) -> bytes:
        return house.row if isinstance(house, EncodedHouse) else write_row(row_of(house))

    def _read(self, _house: AnyHouse, row: bytes, prediction: Any, model: ModelIdentity, /) -> PriceEstimate:
        price, low, high = prediction["price"], prediction["low"], prediction["high"]
        if not (type(price) is type(low) is type(high) is float):
            # Exact types: in Python, True is an int.
            for number in (price, low, high):
                if type(number) is not float and type(number) is not int:
                    raise TypeError("the price is not a number")
            price, low, high = float(price), float(low), float(high)
        if not 0 < low <= price <= high < math.inf:
            raise ValueError("the price is not finite, not positive or outside its interval")
        return PriceEstimate(price, low, high, model, "model", row)
