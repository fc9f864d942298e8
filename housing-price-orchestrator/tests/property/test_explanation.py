"""Any two valid houses, any prices: the parts are whole cents, sum exactly, and equal groups have none."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.service.valuation.explanation import compare
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.columns import FEATURE_GROUPS, SURVEY_COLUMNS, FeatureGroup
from strategies import house_documents

MODEL = ModelIdentity("m", "1", "1")


def price_of(house: AnyHouse) -> PriceEstimate:
    """A price without any order: a hash of the house's features, in cents."""
    cents = 1_000_000 + zlib.crc32(repr(row_of(house)).encode()) % 40_000_000
    return PriceEstimate(cents / 100, 1, 1e9, MODEL)


def prices_of(houses: Sequence[AnyHouse]) -> list[PriceEstimate]:
    return [price_of(house) for house in houses]


def features_in(house: AnyHouse, group: FeatureGroup) -> list[Any]:
    row = row_of(house)
    return [value for column, value in zip(SURVEY_COLUMNS, row, strict=True) if column.group == group]


@given(
    house_documents,
    house_documents,
    some.sets(some.sampled_from(SURVEY_COLUMNS), max_size=79),
    some.sampled_from([22, 44, 132]),
    some.integers(1_000_000, 100_000_000),
)
def test_any_difference_is_split_exactly(
    first: dict[str, Any], second: dict[str, Any], same: set[Any], max_mixed: int, paid_cents: int
) -> None:
    second |= {column.key: first.get(column.key) for column in same}
    start, end = House.model_validate(first), House.model_validate(second)
    comparison = compare(start, end, max_mixed=max_mixed)
    assert len(comparison.mixed) <= max_mixed
    differing = [group for group in FEATURE_GROUPS if features_in(start, group) != features_in(end, group)]
    for mixed in comparison.mixed:
        assert mixed.id == end.id
        # Validation by `House` proves that the model server accepts the row.
        House.model_validate_json(msgspec.json.encode(mixed))
        origins = [
            {
                features_in(mixed, group) == features_in(start, group),
                features_in(mixed, group) == features_in(end, group),
            }
            for group in differing
        ]
        assert all(origin == {True, False} for origin in origins)
    prices = price_of(start), price_of(end), prices_of(comparison.mixed)
    parts = comparison.split(*prices)
    total = round(100 * prices[1].price_usd) - round(100 * prices[0].price_usd)
    assert sum(round(100 * part.usd) for part in parts) == total
    assert {part.group for part in parts if part.usd} <= set(differing)
    assert comparison.split(*prices) == parts

    paid = paid_cents / 100
    adjusted = round(paid * prices[1].price_usd / prices[0].price_usd, 2)
    adjustments = comparison.split(*prices, from_usd=paid, to_usd=adjusted)
    assert sum(round(100 * part.usd) for part in adjustments) == round(100 * adjusted) - paid_cents
