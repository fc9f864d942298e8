"""Explains the difference between the prices of two houses by groups of features.

A group counts as changed when the house has the features of the end house, and otherwise those of the start house. The
price model prices the mixed houses, and Shapley values split the difference. The price model is the only source, so
this works for any model.

A mixed house may be an odd one, such as a bungalow with the upper floor of another house. Each of its values is a valid
one, and no group is mixed in itself, so the model prices it like any other house.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec.structs import astuple, replace

from housing_price_orchestrator.service.valuation.shapley import CoalitionDesign, coalition_design
from housing_price_orchestrator.service.valuation.whole_cents import CENTS_PER_USD, cents_of, whole_cents
from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_survey.columns import FEATURE_GROUPS, SURVEY_COLUMNS, FeatureGroup

MAX_MIXED_FOR_SALE: Final = 44
"""Mixed houses between a sold house and the valued house: 40 to 44 if they differ in ten groups or more, else fewer."""

MAX_MIXED_FOR_TYPICAL: Final = 132
"""Mixed houses between the typical house and the valued house. They are further apart, so they need more: 134 rows."""

_PLACE_OF_KEY: Final = {field.key: place for place, field in enumerate(house_fields())}
_NAMES: Final = tuple(field.name for field in house_fields())
_PLACES_OF_GROUP: Final = {
    group: tuple(_PLACE_OF_KEY[column.key] for column in SURVEY_COLUMNS if column.group == group)
    for group in FEATURE_GROUPS
}
"""The places of the fields of each group in a `HouseRecord`."""


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """The part of a difference that one group of features makes."""

    group: FeatureGroup
    usd: float
    """In US dollars, rounded to the cent."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The houses between two houses, and how their prices split the difference."""

    mixed: Sequence[AnyHouse]
    """The houses to price. They have the id of the end house, so that a canary treats them alike. May be empty."""
    _differing: tuple[FeatureGroup, ...]
    _design: CoalitionDesign

    def split(
        self,
        start: PriceEstimate,
        end: PriceEstimate,
        mixed: Sequence[PriceEstimate],
        *,
        from_usd: float | None = None,
        to_usd: float | None = None,
    ) -> list[GroupDifference]:
        """Return the difference that each group makes, in the order of `FEATURE_GROUPS`.

        The parts are whole cents and sum exactly to the difference. A group in which the houses are equal has 0.

        Args:
            start: the price of the start house.
            end: the price of the end house.
            mixed: the prices of the mixed houses, in their order.
            from_usd: the amount at the start instead of the price, such as the price that was paid. The parts are
                scaled by it.
            to_usd: the amount at the end; required with `from_usd`.

        Raises:
            ModelChanged: the estimates are those of different models.
        """
        if any(estimate.model != end.model for estimate in chain((start,), mixed)):
            raise ModelChanged("two models priced the houses of an explanation")
        parts = self._design.split(start.price_usd, end.price_usd, [estimate.price_usd for estimate in mixed])
        first, last = start.price_usd, end.price_usd
        if from_usd is not None and to_usd is not None:
            first, last = from_usd, to_usd
        scale = first / start.price_usd
        cents = whole_cents([scale * part for part in parts], cents_of(last) - cents_of(first))
        part_of = dict(zip(self._differing, cents, strict=True))
        return [GroupDifference(group, part_of.get(group, 0) / CENTS_PER_USD) for group in FEATURE_GROUPS]


def compare(start: AnyHouse, end: AnyHouse, *, max_mixed: int) -> Comparison:
    """Mix two houses, group by group, into at most `max_mixed` houses.

    Only groups in which the houses differ are mixed: fewer of them need fewer houses, and make the split more exact.
    """
    first, last = replace(_record_of(start), id=end.id), _record_of(end)
    before, after = astuple(first), astuple(last)
    differing: list[FeatureGroup] = []
    changes: list[dict[str, Any]] = []
    undoings: list[dict[str, Any]] = []
    for group, places in _PLACES_OF_GROUP.items():
        if any(before[place] != after[place] for place in places):
            differing.append(group)
            changes.append({_NAMES[place]: after[place] for place in places})
            undoings.append({_NAMES[place]: before[place] for place in places})
    design = coalition_design(len(differing), max_mixed)
    everyone = frozenset(range(design.players))
    mixed: list[Any] = [
        replace(first, **_merged(changes[player] for player in coalition))
        if 2 * len(coalition) <= design.players
        else replace(last, **_merged(undoings[player] for player in everyone.difference(coalition)))
        for coalition in design.coalitions
    ]
    return Comparison(mixed, tuple(differing), design)


def _merged(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for some in values:
        merged |= some
    return merged


def _record_of(house: AnyHouse) -> msgspec.Struct:
    """Return a house as a record: a changed copy of a record takes a hundredth of the time of a `House`."""
    if isinstance(house, HouseRecord):
        return house
    return HouseRecord(**{name: getattr(house, name) for name in _NAMES})
