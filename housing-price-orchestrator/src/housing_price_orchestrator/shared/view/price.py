"""Predicted prices, the models that made them, and warnings about features that the model has not seen."""

from operator import not_
from typing import Annotated, Final, Literal

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES, HouseId

INTERVAL_LEVEL: Final = 0.9
"""Nominal coverage of the model's price intervals (see "Intervals" in the model's README)."""

type PriceUsd = Annotated[float, Field(gt=0, json_schema_extra={"x-unit": "USD"})]

type PriceSource = Literal["model", "cache", "last-known"]
"""The source of a price: a call for this request, a recent price, or the last one known."""


class PriceInterval(View):
    """The range that contains the sale price with probability `level`, as measured on houses held out of training."""

    low: Annotated[PriceUsd, Field(examples=[101_500.25])]
    """The lower end, in US dollars."""
    high: Annotated[PriceUsd, Field(examples=[137_250.75])]
    """The upper end, in US dollars."""
    level: Annotated[float, Field(gt=0, lt=1, examples=[0.9])]
    """The probability that the interval contains the sale price, for example 0.9."""


class ValueRange(View):
    """The lowest and the highest value of a feature among the houses from which the model learned."""

    low: Annotated[float, Field(examples=[334])]
    """The lowest value."""
    high: Annotated[float, Field(examples=[5_642])]
    """The highest value."""


class FeatureWarning(View):
    """A feature outside the values that the model has seen, so that the price is less reliable than its interval says.

    For a number outside the range the model uses the nearest value of the range. For a word that it has not seen it has
    no evidence of the effect on the price. Exactly one of `range` and `words` is present.
    """

    field: Annotated[str, Field(examples=["grLivArea"])]
    """The key of the feature."""
    value: Annotated[int | float | str, Field(examples=[1])]
    """The value of the house."""
    range: Annotated[ValueRange | None, Field(exclude_if=lambda value: value is None)] = None
    """The values that the model has seen, if the feature is a number."""
    words: Annotated[
        list[int | str] | None, Field(exclude_if=lambda value: value is None, examples=[["Gtl", "Mod"]])
    ] = None
    """The words that the model has seen, if the feature is a category."""


class ModelName(View):
    """The model that predicted a price."""

    name: Annotated[str, Field(examples=["housing-price"])]
    """The name of the registered model."""
    version: Annotated[str, Field(examples=["1"])]
    """The version in the model registry; equal to `id` if the model server does not know the version."""
    id: Annotated[str, Field(examples=["fc566939c94c87e3"])]
    """The id computed from the model's content at training. Equal content has the same id."""


type TransactionId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["019aa5d1c2f070008a1b2c3d00000000"])]


type OnlyTrue = Annotated[bool, Field(exclude_if=not_)]
"""A flag that is left out of the document when it is false."""


class PricedHouse(View):
    """The predicted price of a house."""

    id: Annotated[HouseId, Field(examples=[1461])]
    """The caller's own number for the house."""
    transaction_id: TransactionId
    """The unique id of the prediction, used in the prediction log. Ids sort by time."""
    predicted_price: Annotated[PriceUsd, Field(examples=[118_000.5])]
    """The predicted sale price, in US dollars."""
    price_interval: PriceInterval
    """The uncertainty of the price."""
    model: ModelName
    """The model that predicted this price."""
    degraded: OnlyTrue = False
    """Present, and true, if the model server was unavailable and this is its last known price for this house."""
    cached: OnlyTrue = False
    """Present, and true, if the price was taken from a cache of recent prices."""
    warnings: Annotated[tuple[FeatureWarning, ...], Field(exclude_if=not_)] = ()
    """Features outside the values that the model has seen. Present only if there are any."""


class PricedBatch(View):
    """The predicted prices of a batch, in the order of the request."""

    predictions: Annotated[list[PricedHouse], Field(min_length=1, max_length=MAX_BATCH_HOUSES)]
    """One prediction per house."""
