"""What houses were sold for."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from housing_price_orchestrator.shared.history import MAX_ACTUALS
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import HouseId
from housing_price_orchestrator.shared.view.price import TransactionId

type SalePrice = Annotated[float, Field(ge=1, le=1e9, json_schema_extra={"x-unit": "USD"})]


def _only(there: str, absent: str) -> dict[str, Any]:
    """Say that one is there and the other is not; by `not`, because ReDoc takes types said twice for a mistake."""
    is_null = {"properties": {there: {"type": "null"}}}
    is_both = {"required": [absent], "properties": {absent: {"type": ["string", "integer"]}}}
    return {"required": [there], "not": {"anyOf": [is_null, is_both]}}


class ActualPrice(View):
    """A house that was sold: the one of a transaction, or else the one with this number of the caller's."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [_only("transactionId", "id"), _only("id", "transactionId")]})

    transaction_id: TransactionId | None = None
    """The price that it belongs to. One of this and `id` is needed, and not both."""
    id: HouseId | None = None
    """The caller's own number for the house: it belongs to the last price of each model for it."""
    sale_price: Annotated[SalePrice, Field(examples=[105_000])]
    """What was paid, in US dollars."""
    sold_on: Annotated[date | None, Field(examples=["2026-11-21"])] = None
    """The day of the sale; without it, the day on which it is told counts."""

    @model_validator(mode="after")
    def _belongs_to_one_thing(self) -> Self:
        if (self.transaction_id is None) is (self.id is None):
            raise ValueError("one of transactionId and id is needed, and not both")
        return self


class ActualPrices(View):
    """Houses that were sold."""

    data: Annotated[list[ActualPrice], Field(min_length=1, max_length=MAX_ACTUALS)]
    """1 to 10,000 of them."""


class UnknownActual(View):
    """A sale price that belongs to no logged prediction."""

    index: int
    """Its place in the list, from 0."""
    transaction_id: str | None
    """What it was said to belong to."""
    id: int | None
    """The same, as a number of the caller's."""


class ActualsReceipt(View):
    """What became of the sale prices."""

    stored: int
    """So many were new, or correct an earlier one."""
    unchanged: int
    """So many had been told before."""
    unknown: list[UnknownActual]
    """Those that belong to no logged prediction; they were not kept."""


class RealisedErrorOfMonth(View):
    """How far off a model version was, for houses sold in one month."""

    model_name: str
    """The registered model."""
    model_version: str
    """Its version."""
    month: Annotated[str, Field(examples=["2026-11"])]
    """The month of the sale."""
    count: int
    """How many houses were sold."""
    mean_absolute_error: Annotated[float, Field(json_schema_extra={"x-unit": "USD"})]
    """The mean of what the price was off by, in US dollars."""
    rmsle: float
    """The root of the mean square of ln(predicted / actual)."""
    coverage: float
    """The share of the houses whose price was inside the interval; near the interval's `level` where all is well."""


class RealisedErrors(View):
    """The realised error, by model version and month."""

    errors: list[RealisedErrorOfMonth]
    """In the order of the versions, and of the months."""
