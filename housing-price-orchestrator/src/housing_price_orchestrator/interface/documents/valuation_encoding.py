"""Encodes valuations as JSON responses.

The view `Valuation` defines the format; a test parses the bytes with it. The encoder uses msgspec structs with the same
keys, because a valuation has the features of all its comparable sales.
"""

import asyncio
from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from housing_price_orchestrator.interface.documents.encoding import encode_prediction
from housing_price_orchestrator.interface.problems import problem_type_of, problem_urn
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.valuation.explanation import GroupDifference
from housing_price_orchestrator.service.valuation.valued_house import AdjustedSale, ValuedHouse
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import ModelIdentity
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL

VALUATIONS_PER_SLICE: Final = 20
"""Valuations encoded before yielding to the event loop: about 1 ms of work."""


class _Document(msgspec.Struct, rename="camel", gc=False):
    """A JSON object in camelCase."""


class _Interval(_Document, gc=False):
    low: float
    high: float
    level: float


class _Model(_Document, gc=False):
    name: str
    version: str
    id: str


class _Value(_Document, gc=False):
    amount: float
    interval: _Interval
    method: str
    confidence: str | None


class _Adjustment(_Document, gc=False):
    group: str
    usd: float


class _Sale(_Document, gc=False):
    id: int
    sale_price: float
    sold_in: str
    distance: float
    weight: float
    house: Any
    adjusted_price: float
    adjustments: list[_Adjustment] | None


class _Comparables(_Document, gc=False):
    estimate: float
    sales: list[_Sale]
    model: _Model


class _Explanation(_Document, gc=False):
    typical_price: float
    differences: list[_Adjustment]


class _DollarYears(_Document, gc=False):
    first: int
    last: int


class _Problem(_Document, gc=False):
    part: str
    type: str
    title: str
    status: int
    retry_after: int | None


class _Valuation(_Document, gc=False):
    id: int
    transaction_id: str
    value: _Value
    price: msgspec.Raw
    comparables: _Comparables | None
    explanation: _Explanation | None
    dollar_years: _DollarYears | None
    warnings: tuple[FeatureWarning, ...]
    problems: list[_Problem]


def _document_of(house: Any) -> dict[str, Any]:
    """Return the document of a `House`; msgspec encodes a `HouseRecord` itself."""
    if isinstance(house, BaseModel):
        return house.model_dump()
    raise NotImplementedError(type(house))


_encode = msgspec.json.Encoder(enc_hook=_document_of).encode


class ValuationEncoder:
    """Encodes the valuations that a request asks for."""

    def __init__(self, input_warnings: InputWarnings, *, with_comparables: bool) -> None:
        """Take warnings from `input_warnings`; without comparables, the value is encoded and its sales are not."""
        self._input_warnings = input_warnings
        self._with_comparables = with_comparables

    def encode(self, valued: ValuedHouse, transaction_id: str) -> bytes:
        """Encode one valuation as a `Valuation`."""
        return _encode(self._valuation(valued, transaction_id))

    async def encode_all(self, valued: Sequence[ValuedHouse], transaction_ids: Sequence[str]) -> bytes:
        """Encode the valuations of a batch as `Valuations`."""
        parts: list[bytes] = []
        for some in batched(zip(valued, transaction_ids, strict=True), VALUATIONS_PER_SLICE, strict=False):
            if parts:
                await asyncio.sleep(0)
            parts.append(_encode([self._valuation(*one) for one in some])[1:-1])
        return b'{"valuations":[' + b",".join(parts) + b"]}"

    def _valuation(self, valued: ValuedHouse, transaction_id: str) -> _Valuation:
        house, price, value = valued.house, valued.price, valued.value
        ranges = self._input_warnings.ranges_of(price.model.id)
        years = None if ranges is None else ranges.sale_years
        found = valued.comparables if self._with_comparables else None
        explanation = valued.explanation
        return _Valuation(
            id=house.id,
            transaction_id=transaction_id,
            value=_Value(
                value.amount_usd,
                _Interval(value.low_usd, value.high_usd, INTERVAL_LEVEL),
                valued.method,
                valued.confidence,
            ),
            price=msgspec.Raw(encode_prediction(house, price, transaction_id, self._input_warnings)),
            comparables=None
            if found is None
            else _Comparables(found.estimate_usd, [_sale(one) for one in found.sales], _model(found.model)),
            explanation=None
            if explanation is None
            else _Explanation(explanation.typical_usd, _adjustments(explanation.differences)),
            dollar_years=None if years is None else _DollarYears(*years),
            warnings=self._input_warnings.warnings_of(house, price),
            problems=[_problem(part, error) for part, error in valued.problems.items()],
        )


def _sale(adjusted: AdjustedSale) -> _Sale:
    sale = adjusted.sale
    return _Sale(
        id=sale.id,
        sale_price=sale.price_usd,
        sold_in=f"{sale.year_sold}-{sale.month_sold:02}",
        distance=sale.distance,
        weight=adjusted.weight,
        house=sale.house,
        adjusted_price=adjusted.adjusted_usd,
        adjustments=None if adjusted.adjustments is None else _adjustments(adjusted.adjustments),
    )


def _adjustments(differences: Sequence[GroupDifference]) -> list[_Adjustment]:
    return [_Adjustment(one.group, one.usd) for one in differences]


def _model(model: ModelIdentity) -> _Model:
    return _Model(model.name, model.version, model.id)


def _problem(part: str, error: Exception) -> _Problem:
    problem = problem_type_of(error)
    return _Problem(part, problem_urn(problem), problem.title, problem.status, problem.retry_after_seconds)
