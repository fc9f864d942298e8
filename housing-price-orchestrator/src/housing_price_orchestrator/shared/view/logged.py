"""A price that was answered, as the prediction log remembers it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.price import ModelName, PriceInterval, PriceUsd, TransactionId


class LoggedPrice(View):
    """One price, with everything that led to it."""

    transaction_id: TransactionId
    """The id that stood in the answer."""
    predicted_at: datetime
    """When it was answered, in UTC."""
    request_id: str
    """The `X-Request-ID` of the request that it was answered to."""
    key_id: str | None
    """Whose key the request came with; null where nobody was asked."""
    house: House
    """What was priced; null where a feature was absent."""
    predicted_price: PriceUsd
    """The price that was answered, in US dollars."""
    price_interval: PriceInterval
    """The interval that was answered."""
    model: ModelName
    """The model that made the price."""
    source: Literal["model", "cache", "last-known"]
    """`model`: made for this request; `cache`: made for the same house before; `last-known`: the same, in need."""
    degraded: bool
    """Whether the model server was away, so that the last known price was answered."""
    variant: Literal["champion", "canary"] | None
    """In which part the model was asked; null for prices of before there were parts."""


class LoggedPrices(View):
    """Prices, the newest first."""

    predictions: list[LoggedPrice]
    """Those of this page."""
    next: Annotated[str | None, Field(examples=["MjAyNi0xMS0yMVQwNjozMDowMC4wMDAwMDAuMDE5YWE1ZDE"])]
    """What to send as `cursor` for the next page; null on the last one."""
