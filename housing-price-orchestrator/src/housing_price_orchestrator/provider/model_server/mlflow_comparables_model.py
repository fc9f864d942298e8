"""A `ComparablesModel` backed by an MLflow model server."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
import orjson
from msgspec import Meta

from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD, row_of, write_row
from housing_price_orchestrator.provider.model_server.mlflow_model import MLflowModel
from housing_price_orchestrator.shared.errors import ComparablesImplausible
from housing_price_orchestrator.shared.ports import (
    Blend,
    Comparables,
    ComparableSale,
    ComparablesQuestion,
    ModelIdentity,
)
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_survey.vocabulary import SaleCondition

MAX_SALE_USD: Final = 1e9
"""Highest plausible sale price, in US dollars."""

MAX_DISTANCE: Final = 1e6
"""Highest plausible distance; the distances of the survey's houses are below 100."""


class _Sale(msgspec.Struct, gc=False):
    """A sale as the model server writes it. Text reaches callers, so its form is limited."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    price: Annotated[float, Meta(gt=0, le=MAX_SALE_USD)]
    year: Annotated[int, Meta(ge=1800, le=2100)]
    month: Annotated[int, Meta(ge=1, le=12)]
    condition: SaleCondition
    distance: Annotated[float, Meta(ge=0, le=MAX_DISTANCE)]
    features: list[Any]
    pid: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}\Z")] | None = None


class _Prediction(msgspec.Struct, gc=False):
    sales: list[_Sale]
    blend: Blend


class MLflowComparablesModel(MLflowModel[ComparablesQuestion, Comparables]):
    """Finds comparable sales: houses to rows, and predictions to checked sales.

    The parameters `k` and `known` apply to a whole call, so questions that differ in them take a call each.
    """

    unusable = ComparablesImplausible

    async def answer(self, questions: Sequence[ComparablesQuestion], /) -> Sequence[Comparables]:
        """See `Model.answer`."""
        positions_of_params: dict[bytes, list[int]] = {}
        for position, question in enumerate(questions):
            positions_of_params.setdefault(params_of(question), []).append(position)
        answers: list[Comparables | None] = [None] * len(questions)
        is_flawed = False
        for params, positions in positions_of_params.items():
            part, is_part_flawed = await self._call([questions[at] for at in positions], params)
            is_flawed |= is_part_flawed
            for at, answer in zip(positions, part, strict=True):
                answers[at] = answer
        if is_flawed:
            raise self._unusable(answers)
        return answers  # type: ignore[return-value]  # without flaws there is no None

    def _write(self, question: ComparablesQuestion, /) -> bytes:
        return write_row(row_of(question.house))

    def _read(
        self, question: ComparablesQuestion, _row: bytes, prediction: Any, model: ModelIdentity, /
    ) -> Comparables:
        found = msgspec.convert(prediction, _Prediction)
        if not 0 < len(found.sales) <= question.k:
            raise ValueError("there are no sales, or more than the question wants")
        if len({sale.id for sale in found.sales}) != len(found.sales):
            raise ValueError("a sale occurs twice")
        _check_order(found.sales)
        return Comparables(tuple(map(_checked_sale, found.sales)), found.blend, model)


def params_of(question: ComparablesQuestion) -> bytes:
    """Return the model's parameters for a question, as a JSON object; questions with equal ones can share a call."""
    known = [COLUMN_OF_FIELD[name] for name in sorted(question.known)]
    return orjson.dumps({"k": question.k, "known": known})


def _check_order(sales: Sequence[_Sale]) -> None:
    """Check that sales are in the order of distance; those of conditions that rank last follow, sorted by themselves.

    The model knows which conditions rank last (foreclosures, sales within a family). They occur only where there are
    fewer other sales than wanted.
    """
    drops = [at for at in range(1, len(sales)) if sales[at].distance < sales[at - 1].distance]
    if not drops:
        return
    ranked, last = sales[: drops[0]], sales[drops[0] :]
    if len(drops) > 1 or {sale.condition for sale in ranked} & {sale.condition for sale in last}:
        raise ValueError("the sales are not sorted by distance")


_KEYS: Final = tuple(field.key for field in house_fields())
"""The keys of a house: its id, then the features in the order of the columns."""

_KEYS_OF_SALE: Final = ("yrSold", "moSold", "saleCondition")
"""The keys of the features that a sale repeats: `year`, `month` and `condition`."""


def _checked_sale(sale: _Sale) -> ComparableSale:
    values = [int(value) if type(value) is float and value.is_integer() else value for value in sale.features]
    document = dict(zip(_KEYS, [sale.id, *values], strict=True))
    house: AnyHouse = msgspec.convert(document, HouseRecord)  # type: ignore[assignment]  # generated with these fields
    if [document[key] for key in _KEYS_OF_SALE] != [sale.year, sale.month, sale.condition]:
        raise ValueError("the date or the condition of a sale is not that of its house")
    return ComparableSale(
        id=sale.id,
        pid=sale.pid,
        price_usd=sale.price,
        year_sold=sale.year,
        month_sold=sale.month,
        condition=sale.condition,
        distance=sale.distance,
        house=house,
    )
