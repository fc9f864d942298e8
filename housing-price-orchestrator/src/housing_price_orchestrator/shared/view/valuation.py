"""The value of a house: its price, comparable sales, and an explanation of the differences."""

from typing import Annotated, Final, Literal

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House, HouseId
from housing_price_orchestrator.shared.view.price import (
    FeatureWarning,
    ModelName,
    PricedHouse,
    PriceInterval,
    PriceUsd,
    TransactionId,
)
from housing_price_survey.columns import FeatureGroup

MAX_VALUED_HOUSES: Final = 200
"""Maximum number of houses in a batch of valuations."""

type ValuationPart = Literal["comparables", "explanation"]
"""A part of a valuation that callers can leave out, and that can fail without the others."""

type ValueMethod = Literal["priceAndComparables", "price"]
"""The method of a value: from price and adjusted sales, or from the price alone."""

type Confidence = Literal["high", "medium", "low"]

type DifferenceUsd = Annotated[float, Field(json_schema_extra={"x-unit": "USD"})]
type MonthOfSale = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2010-05"])]


class Value(View):
    """The estimated market value of a house."""

    amount: Annotated[PriceUsd, Field(examples=[116_400.25])]
    """The value, in US dollars."""
    interval: PriceInterval
    """The uncertainty of the value."""
    method: ValueMethod
    """`priceAndComparables`: the predicted price and the adjusted sales together. `price`: the predicted price alone,
    because no comparable sales are available."""
    confidence: Confidence | None
    """The grade of the value, from the relative width of its interval. Null if the value is the price alone, or if the
    comparables model has no grades."""


class Adjustment(View):
    """A part of a difference between two prices, caused by one group of features."""

    group: FeatureGroup
    """The group of features."""
    usd: Annotated[DifferenceUsd, Field(examples=[4_150.5])]
    """The difference that the group makes, in US dollars; negative if it lowers the price."""


class ComparableSale(View):
    """A sold house that is similar to the valued house, with its price adjusted for the differences."""

    id: Annotated[HouseId, Field(examples=[1022])]
    """The number of the sale in the data of the model."""
    sale_price: Annotated[PriceUsd, Field(examples=[112_000])]
    """The price paid, in US dollars."""
    sold_in: MonthOfSale
    """The month of the sale, as `YYYY-MM`."""
    distance: Annotated[float, Field(ge=0, examples=[0.41])]
    """The difference between the houses: 0 if the features that matter most are equal. See `docs/valuation.md`."""
    weight: Annotated[float, Field(ge=0, le=1, examples=[0.17])]
    """The share of the sale in the weighted mean of the adjusted prices. The weights of all sales sum to 1."""
    house: House
    """The sold house, with all its features. Its `id` is the number of the sale."""
    adjusted_price: Annotated[PriceUsd, Field(examples=[115_900.75])]
    """The sale price, adjusted for the differences between the sold house and the valued house, in US dollars."""
    adjustments: list[Adjustment] | None
    """`adjustedPrice` minus `salePrice`, by group of features; the sum is exact to the cent. Null without the part
    `explanation`."""


class Comparables(View):
    """The comparable sales of a house."""

    estimate: Annotated[PriceUsd, Field(examples=[115_300.5])]
    """The weighted mean of the adjusted prices, in US dollars. Closer sales weigh more."""
    sales: Annotated[list[ComparableSale], Field(min_length=1)]
    """The sales, closest first. Sales that were not at arm's length follow all others."""
    model: ModelName
    """The model that found the sales."""


class Explanation(View):
    """The difference between the house and a typical house of the survey, by group of features."""

    typical_price: Annotated[PriceUsd, Field(examples=[163_000.25])]
    """The predicted price of the typical house, in US dollars."""
    differences: Annotated[list[Adjustment], Field(min_length=1)]
    """`predictedPrice` minus `typicalPrice`, by group of features; the sum is exact to the cent."""


class PartProblem(View):
    """The reason why a part of the valuation is missing."""

    part: ValuationPart
    """The part that is missing. `explanation` is also named if only the adjustments of the sales are missing."""
    type: Annotated[str, Field(examples=["urn:housing-price:problem:circuit-open"])]
    """The kind of problem, as a stable identifier; the same as in problem documents."""
    title: str
    """Short summary of the kind of problem."""
    status: Annotated[int, Field(examples=[503])]
    """The HTTP status that an operation would have that returns only this part."""
    retry_after: Annotated[int | None, Field(ge=1, json_schema_extra={"x-unit": "seconds"})]
    """Seconds to wait before asking again; null if unknown."""


class DollarYears(View):
    """The years of the sales from which the price model learned."""

    first: Annotated[int, Field(examples=[2006])]
    """The first year."""
    last: Annotated[int, Field(examples=[2010])]
    """The last year."""


class Valuation(View):
    """The value of a house and the evidence for it. A part that is null was not included, or is named in `problems`."""

    id: Annotated[HouseId, Field(examples=[1461])]
    """The caller's own number for the house."""
    transaction_id: TransactionId
    """The unique id of the valuation, used in the prediction log; equal to that of its `price`."""
    value: Value
    """The estimated market value."""
    price: PricedHouse
    """The predicted price, as returned by `POST /api/v1/price/predict`."""
    comparables: Comparables | None
    """The comparable sales; null if they were not included, or if they are named in `problems`."""
    explanation: Explanation | None
    """The difference from a typical house; null if it was not included, or if it failed and is named in `problems`."""
    dollar_years: DollarYears | None
    """All amounts are in US dollars of these years; null if the model server does not publish them."""
    warnings: list[FeatureWarning]
    """Features outside the values that the model has seen; usually empty."""
    problems: list[PartProblem]
    """The parts that failed; usually empty."""


class ValuationBatch(View):
    """Houses to value in one request. The response keeps their order."""

    data: Annotated[list[House], Field(min_length=1, max_length=MAX_VALUED_HOUSES)]
    """The houses, from 1 to 200."""


class Valuations(View):
    """The valuations of a batch, in the order of the request."""

    valuations: Annotated[list[Valuation], Field(min_length=1, max_length=MAX_VALUED_HOUSES)]
    """One valuation per house."""
