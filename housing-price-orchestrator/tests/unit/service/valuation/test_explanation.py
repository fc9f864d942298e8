"""Differences between two houses by groups of features, with prices whose groups are known."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.service.valuation.explanation import (
    MAX_MIXED_FOR_SALE,
    MAX_MIXED_FOR_TYPICAL,
    GroupDifference,
    compare,
)
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_survey.columns import FEATURE_GROUPS

pytestmark = pytest.mark.anyio

SOLD = house(id=7, grLivArea=1_500, lotArea=9_000, lotShape="IR1", neighborhood="NAmes")
VALUED = house(id=8, grLivArea=2_000, lotArea=7_000, lotShape="Reg", neighborhood="NAmes")


async def priced(model: FakePriceModel, *houses: AnyHouse) -> Sequence[PriceEstimate]:
    return await model.answer(houses)


async def test_each_group_has_the_difference_that_its_features_make() -> None:
    # The fake prices 60 USD per square foot of living area and 1 USD per square foot of lot.
    model, comparison = FakePriceModel(), compare(SOLD, VALUED, max_mixed=MAX_MIXED_FOR_SALE)
    start, end = await priced(model, SOLD, VALUED)
    parts = comparison.split(start, end, await priced(model, *comparison.mixed))
    assert [part.group for part in parts] == list(FEATURE_GROUPS)
    assert {part.group: part.usd for part in parts if part.usd} == {"size": 30_000.0, "lot": -2_000.0}


async def test_adjustments_lead_from_the_price_paid_to_the_adjusted_price() -> None:
    model, comparison = FakePriceModel(), compare(SOLD, VALUED, max_mixed=MAX_MIXED_FOR_SALE)
    start, end = await priced(model, SOLD, VALUED)
    paid = 160_000
    adjusted = round(paid * end.price_usd / start.price_usd, 2)
    parts = comparison.split(start, end, await priced(model, *comparison.mixed), from_usd=paid, to_usd=adjusted)
    assert sum(round(100 * part.usd) for part in parts) == round(100 * adjusted) - 100 * paid
    usd_of = {part.group: part.usd for part in parts}
    assert usd_of["size"] == pytest.approx(30_000 * paid / start.price_usd, abs=0.01)
    assert usd_of["lot"] == pytest.approx(-2_000 * paid / start.price_usd, abs=0.01)


async def test_mixed_houses_take_whole_groups_from_either_house_and_the_id_of_the_valued_one() -> None:
    mixed: Any = compare(SOLD, VALUED, max_mixed=MAX_MIXED_FOR_SALE).mixed
    # Only size and lot differ.
    assert [(one.gr_liv_area, one.lot_area, one.lot_shape) for one in mixed] == [
        (2_000, 9_000, "IR1"),
        (1_500, 7_000, "Reg"),
    ]
    assert {one.id for one in mixed} == {8}


def test_equal_houses_need_no_prices_and_have_no_differences() -> None:
    comparison = compare(SOLD, house(**SOLD.model_dump() | {"id": 9}), max_mixed=MAX_MIXED_FOR_SALE)
    estimate = PriceEstimate(150_000.01, 1e5, 2e5, ModelIdentity("m", "1", "1"))
    assert comparison.mixed == []
    assert comparison.split(estimate, estimate, []) == [GroupDifference(group, 0) for group in FEATURE_GROUPS]


async def test_a_single_differing_group_has_the_whole_difference() -> None:
    with_garage = house(garageArea=400)
    comparison = compare(house(garageArea=None), with_garage, max_mixed=MAX_MIXED_FOR_SALE)
    start, end = await priced(FakePriceModel(), with_garage, house(lotArea=20_000))
    parts = comparison.split(start, end, [])
    assert [part.group for part in parts if part.usd] == ["garage"]


async def test_houses_of_the_fast_and_of_the_exact_parser_make_equal_mixed_houses() -> None:
    record: Any = HouseRecord(**SOLD.model_dump(by_alias=False))
    assert compare(record, VALUED, max_mixed=22).mixed == compare(SOLD, VALUED, max_mixed=22).mixed


@pytest.mark.parametrize(("max_mixed", "count"), [(MAX_MIXED_FOR_SALE, 44), (MAX_MIXED_FOR_TYPICAL, 132)])
def test_houses_that_differ_in_every_group_need_all_rows(max_mixed: int, count: int) -> None:
    mixed = compare(TYPICAL_HOUSE, house(fullBath=1, condition1="Feedr"), max_mixed=max_mixed).mixed
    assert len(mixed) == count
    assert len({str(one) for one in mixed}) == count


@pytest.mark.parametrize("changed", ["start", "end", "mixed"])
async def test_prices_of_two_models_are_not_compared(changed: str) -> None:
    model, comparison = FakePriceModel(), compare(SOLD, VALUED, max_mixed=MAX_MIXED_FOR_SALE)
    start, end = await priced(model, SOLD, VALUED)
    mixed = list(await priced(model, *comparison.mixed))
    other = ModelIdentity("fake", "2", "fake-2")
    prices = {"start": start, "end": end, "mixed": mixed[-1]}
    prices[changed] = replace(prices[changed], model=other)
    with pytest.raises(ModelChanged):
        comparison.split(prices["start"], prices["end"], [*mixed[:-1], prices["mixed"]])


def test_the_typical_house_is_valid() -> None:
    typical: Any = TYPICAL_HOUSE
    assert house(**{key: getattr(typical, name) for name, key in _keys().items()}).neighborhood == "NAmes"


def _keys() -> dict[str, str]:
    return {name: field.alias or name for name, field in type(VALUED).model_fields.items()}
