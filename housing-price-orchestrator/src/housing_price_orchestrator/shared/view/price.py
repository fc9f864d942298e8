"""The price of a house and where it came from."""

from operator import not_
from typing import Annotated

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES, HouseId

INTERVAL_LEVEL = 0.9
"""The probability that the model's interval is made for: part of what the model promises (its README, "Intervals")."""

type PriceUsd = Annotated[float, Field(gt=0, json_schema_extra={"x-unit": "USD"})]


class PriceInterval(View):
    """The range that holds the sale price with the probability `level`, as measured on houses held out of training."""

    low: Annotated[PriceUsd, Field(examples=[101_500.25])]
    """The lower end, in US dollars."""
    high: Annotated[PriceUsd, Field(examples=[137_250.75])]
    """The upper end, in US dollars."""
    level: Annotated[float, Field(gt=0, lt=1, examples=[0.9])]
    """The probability, for example 0.9."""


class ModelName(View):
    """Which model made a price."""

    name: Annotated[str, Field(examples=["housing-price"])]
    """The name of the registered model."""
    version: Annotated[str, Field(examples=["1"])]
    """The version in the model registry; the same as `id` where the model server cannot tell."""
    id: Annotated[str, Field(examples=["fc566939c94c87e3"])]
    """The identity baked into the model at training: the same content has the same id."""


type TransactionId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["019aa5d1c2f070008a1b2c3d00000000"])]


type OnlyTrue = Annotated[bool, Field(exclude_if=not_)]


class PricedHouse(View):
    """The answer for one house."""

    id: Annotated[HouseId, Field(examples=[1461])]
    """The caller's own number for the house."""
    transaction_id: TransactionId
    """What this price is known by in the prediction log; ids sort by time."""
    predicted_price: Annotated[PriceUsd, Field(examples=[118_000.5])]
    """The price that the house is expected to sell for, in US dollars."""
    price_interval: PriceInterval
    """How sure the model is."""
    model: ModelName
    """The model that made this price."""
    degraded: OnlyTrue = False
    """Only where the model server is away: this is the last price that it made for this house."""
    cached: OnlyTrue = False
    """Only where it was not asked: this is the price that it made for this house a moment ago."""


class PricedBatch(View):
    """The answer for a batch: one prediction per house, in the order of the request."""

    predictions: Annotated[list[PricedHouse], Field(min_length=1, max_length=MAX_BATCH_HOUSES)]
    """The predictions, as many as there were houses."""
