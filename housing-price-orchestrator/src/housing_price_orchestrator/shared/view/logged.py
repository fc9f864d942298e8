"""Logged predictions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.price import ModelName, PriceInterval, PriceUsd, TransactionId


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
    source: Literal["model", "cache", "last-known"]
    """The source of the price: `model` (a call for this request), `cache` (recent) or `last-known` (fallback)."""
    degraded: bool
    """Whether the last known price was returned because the model server was unavailable."""
    variant: Literal["champion", "canary"] | None
    """The role of the model: `champion` or `canary`; null for predictions logged before roles existed."""


class LoggedPrices(View):
    """A page of logged predictions, newest first."""

    predictions: list[LoggedPrice]
    """The predictions on this page."""
    next: Annotated[str | None, Field(examples=["MjAyNi0xMS0yMVQwNjozMDowMC4wMDAwMDAuMDE5YWE1ZDE"])]
    """The `cursor` of the next page; null on the last page."""
