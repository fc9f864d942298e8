"""Actual sale prices, and the error of the predictions that they reveal."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from housing_price_orchestrator.shared.history import MAX_ACTUALS
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.house import HouseId
from housing_price_orchestrator.shared.view.price import TransactionId

type SalePrice = Annotated[float, Field(ge=1, le=1e9, json_schema_extra={"x-unit": "USD"})]


def _exactly_one(present: str, absent: str) -> dict[str, Any]:
    """Require one key and forbid the other. Uses `not`, because ReDoc rejects a type that is declared twice."""
    is_null = {"properties": {present: {"type": "null"}}}
    is_both = {"required": [absent], "properties": {absent: {"type": ["string", "integer"]}}}
    return {"required": [present], "not": {"anyOf": [is_null, is_both]}}


class ActualPrice(View):
    """The actual sale price of a house. Send either the prediction's `transactionId` or the caller's own `id`."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [_exactly_one("transactionId", "id"), _exactly_one("id", "transactionId")]}
    )

    transaction_id: TransactionId | None = None
    """The prediction that the sale belongs to. Send either `transactionId` or `id`."""
    id: HouseId | None = None
    """The caller's own number for the house. The sale is matched with each model's latest prediction for it."""
    sale_price: Annotated[SalePrice, Field(examples=[105_000])]
    """The price paid, in US dollars."""
    sold_on: Annotated[date | None, Field(examples=["2026-11-21"])] = None
    """The date of the sale. Defaults to the day on which the sale is reported."""

    @model_validator(mode="after")
    def _check_exactly_one_identifier(self) -> Self:
        if (self.transaction_id is None) is (self.id is None):
            raise ValueError("send exactly one of transactionId and id")
        return self


class ActualPrices(View):
    """Actual sale prices to report."""

    data: Annotated[list[ActualPrice], Field(min_length=1, max_length=MAX_ACTUALS)]
    """From 1 to 10,000 sales."""


class UnknownActual(View):
    """A reported sale that matches no logged prediction."""

    index: int
    """The index of the sale in the request, from 0."""
    transaction_id: str | None
    """The `transactionId` that was sent; null if `id` was sent."""
    id: int | None
    """The `id` that was sent; null if `transactionId` was sent."""


class ActualsReceipt(View):
    """The result of reporting sale prices."""

    stored: int
    """The number of sales that were new or corrected an earlier report."""
    unchanged: int
    """The number of sales that had been reported before."""
    unknown: list[UnknownActual]
    """The sales that match no logged prediction. They are not stored."""


class RealisedErrorOfMonth(View):
    """The realised error of a model version for houses sold in one month."""

    model_name: str
    """The name of the registered model."""
    model_version: str
    """The version of the model."""
    month: Annotated[str, Field(examples=["2026-11"])]
    """The month of the sales, as `YYYY-MM`."""
    count: int
    """The number of houses sold."""
    mean_absolute_error: Annotated[float, Field(json_schema_extra={"x-unit": "USD"})]
    """The mean absolute difference between predicted and actual price, in US dollars."""
    rmsle: float
    """The root mean squared logarithmic error: the root mean square of ln(predicted / actual)."""
    coverage: float
    """The share of houses whose actual price was inside the interval; ideally near the interval's `level`."""


class Measure(View):
    """A measure and its 95 % confidence interval."""

    value: float
    """The measured value."""
    low: float | None
    """The lower bound of the 95 % confidence interval; null if there are fewer than 10 sales."""
    high: float | None
    """The upper bound of the 95 % confidence interval; null if there are fewer than 10 sales."""


class RatioStudy(View):
    """The agreement of predicted prices with sale prices. A ratio is a predicted price divided by the sale price.

    The measures of the Standard on Ratio Studies (IAAO, 2013) and of automated valuation models.
    """

    sales: int
    """The number of sales."""
    median_ratio: Measure
    """The median ratio; 1 if half of the predictions are too high."""
    cod: Measure
    """The coefficient of dispersion: the mean deviation of the ratios from their median, in percent of the median. From
    5 to 15 is good for single-family houses."""
    prd: Measure
    """The price-related differential: the mean ratio divided by the ratio of the sums. Above 1.03, expensive houses are
    predicted too low compared with cheap ones; below 0.98, too high."""
    prb: Measure | None
    """The price-related bias: the relative change of the ratio when the value doubles; good within -0.05 and 0.05. Null
    if all houses have the same value."""
    within5: float
    """The share of predictions within 5 % of the sale price."""
    within10: float
    """The share of predictions within 10 % of the sale price."""
    within20: float
    """The share of predictions within 20 % of the sale price."""
    forecast_standard_deviation: float | None
    """The standard deviation of the relative error; null for a single sale."""


class RealisedStudy(View):
    """The ratio study of a model version."""

    model_name: str
    """The name of the registered model."""
    model_version: str
    """The version of the model."""
    all_sales: RatioStudy
    """The study of all sales."""
    arms_length: RatioStudy | None
    """The study of the sales at arm's length alone (`saleCondition` is `Normal`); null if there are none."""


class RealisedErrors(View):
    """The realised error of each model version."""

    errors: list[RealisedErrorOfMonth]
    """One entry per version and month, sorted by version, then month."""
    studies: list[RealisedStudy]
    """One ratio study per version, over the latest 10,000 sold houses of all versions together."""
