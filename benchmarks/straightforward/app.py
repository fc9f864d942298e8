"""Contender (b): the same operations with sync endpoints, a sync HTTP client and a DataFrame.

The comparison is fair: it validates with the same models, opens the client once, and adds no delays. Each request is
one call to the model server.
"""

import json
import os
import uuid
from collections.abc import Sequence
from typing import Any

import httpx
import pandas as pd
from fastapi import FastAPI

from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD
from housing_price_orchestrator.shared.view.house import House, HouseBatch
from housing_price_orchestrator.shared.view.price import ModelName, PricedBatch, PricedHouse, PriceInterval

app = FastAPI(title="House prices, straightforwardly")
client = httpx.Client(base_url=os.environ["MODEL_SERVER_URL"], timeout=30)


def price(houses: Sequence[House]) -> list[PricedHouse]:
    """Price all houses with one call to the model server."""
    frame = pd.DataFrame([_row(house) for house in houses])
    payload = {"dataframe_split": json.loads(frame.to_json(orient="split", index=False))}
    response = client.post("/invocations", json=payload)
    response.raise_for_status()
    predictions = response.json()["predictions"]
    return [_priced(house, prediction) for house, prediction in zip(houses, predictions, strict=True)]


def _row(house: House) -> dict[str, Any]:
    fields = house.model_dump(by_alias=False)
    return {column: fields[field] for field, column in COLUMN_OF_FIELD.items()}


def _priced(house: House, prediction: dict[str, Any]) -> PricedHouse:
    model_id = prediction["model_id"]
    interval = PriceInterval(low=prediction["low"], high=prediction["high"], level=0.9)
    model = ModelName(name="housing-price", version=model_id, id=model_id)
    return PricedHouse.model_validate(
        {
            "id": house.id,
            "transactionId": uuid.uuid4().hex,
            "predictedPrice": prediction["price"],
            "priceInterval": interval,
            "model": model,
        }
    )


@app.post("/api/v1/price/predict")
def predict(house: House) -> PricedHouse:
    """Price one house."""
    return price([house])[0]


@app.post("/api/v1/price/predict/batch")
def predict_batch(batch: HouseBatch) -> PricedBatch:
    """Price many houses."""
    return PricedBatch(predictions=price(batch.data))
