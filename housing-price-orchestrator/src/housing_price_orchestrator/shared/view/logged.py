"""Logged predictions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House, HouseId
from housing_price_orchestrator.shared.view.price import (
    ModelName,
    PriceInterval,
    PriceSource,
    PriceUsd,
    TransactionId,
)
from housing_price_orchestrator.shared.view.valuation import ValuationPart, Value

type LoggedPart = Literal["price", "comparables", "explanation"]
"""A part that an answer can have: the price, or a part of a valuation."""

type LoggedVariant = Literal["champion", "canary"]
"""The role of a model whose prices are returned."""


class LoggedProblem(View):
    """The reason why a part of a valuation was missing."""

    part: ValuationPart
    """The part that was missing. `explanation` is also named if only the adjustments of the sales were missing."""
    type: Annotated[str, Field(examples=["urn:housing-price:problem:circuit-open"])]
    """The kind of problem, as a stable identifier; the same as in the valuation."""
    title: str
    """Short summary of the kind of problem."""


class LoggedComparables(View):
    """The comparable sales of a valuation."""

    sales: list[HouseId]
    """The `id` of each sale, closest first. `model` is trained on these sales."""
    model: ModelName
    """The model that found the sales."""


class LoggedValuation(View):
    """A valuation, as it was returned with a price."""

    value: Value
    """The estimated market value."""
    parts: list[LoggedPart]
    """The parts that were returned."""
    comparables: LoggedComparables | None
    """The comparable sales from which the value follows; null if it is the price alone."""
    problems: list[LoggedProblem]
    """The parts that failed."""


class LoggedPrice(View):
    """A logged prediction, with its request, house and model."""

    transaction_id: TransactionId
    """The transaction id that was returned with the price."""
    predicted_at: datetime
    """When the price was returned, in UTC."""
    request_id: str
    """The `X-Request-ID` of the request."""
    key_id: str | None
    """The id of the API key or token of the request; null if authentication was off."""
    house: House
    """The house that was priced; absent features are null."""
    predicted_price: PriceUsd
    """The predicted price, in US dollars."""
    price_interval: PriceInterval
    """The price interval."""
    model: ModelName
    """The model that made the prediction."""
    source: PriceSource
    """The source of the price: `model` (a call for this request), `cache` (recent) or `last-known` (fallback)."""
    degraded: bool
    """Whether the last known price was returned because the model server was unavailable."""
    variant: LoggedVariant | None
    """The role of the model: `champion` or `canary`; null for predictions logged before roles existed."""
    valuation: LoggedValuation | None
    """The valuation that was returned with the price; null if only a price was requested."""


class LoggedPrices(View):
    """A page of logged predictions, newest first."""

    predictions: list[LoggedPrice]
    """The predictions on this page."""
    next: Annotated[str | None, Field(examples=["MjAyNi0xMS0yMVQwNjozMDowMC4wMDAwMDAuMDE5YWE1ZDE"])]
    """The `cursor` of the next page; null on the last page."""
