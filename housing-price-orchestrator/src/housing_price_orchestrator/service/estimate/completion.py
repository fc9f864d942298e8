"""Completes a house of which a few features are known, with the features of similar sold houses.

The features that are known stay as they are. Features that depend on them follow: the floors sum to the living area, a
house without a garage has no garage year, and a house is not remodelled before it is built.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from housing_price_orchestrator.service.estimate.related_features import (
    BASEMENT_PARTS,
    EQUIPMENT,
    FLOORS,
    MATCHED,
    STYLE,
    Features,
)
from housing_price_orchestrator.shared.view.fields import house_fields

_BOUNDS: Final = {
    field.name: (field.minimum, field.maximum)
    for field in house_fields()
    if field.minimum is not None and field.maximum is not None
}
"""The lowest and the highest value of each number of a house."""

_UNFINISHED: Final = "Unf"


def complete_house(known: Mapping[str, Any], own: Features, sold: Sequence[Features]) -> Features:
    """Return the features of a house, completed with those of one sold house.

    Args:
        known: the known features, by the name of the field of `House`; the living area and the year built are among
            them.
        own: all features of the sold house that completes the house.
        sold: all features of each sold house, nearest first. A set of related features comes from the nearest of them
            if those of `own` contradict the known features.
    """
    completed = {**own, **_equipment(known, own, sold), **_matching_words(known, own, sold)}
    house = {**completed, **known}
    _fit_sum(house, known, "gr_liv_area", FLOORS)
    _fit_sum(house, known, "total_bsmt_sf", BASEMENT_PARTS)
    _fit_basement_finish(house, known)
    _fit_garage(house, known, completed)
    _fit_rooms(house, known)
    _fit_years(house, known, own)
    _fit_bounds(house, known)
    return house


def _equipment(known: Mapping[str, Any], own: Features, sold: Sequence[Features]) -> Features:
    found: Features = {}
    for equipment in EQUIPMENT:
        is_there = equipment.is_in(known)
        if is_there is False:
            found |= equipment.absent
        elif is_there and not equipment.is_in(own):
            other = next((one for one in sold if equipment.is_in(one)), own)
            found |= {name: other[name] for name in equipment.absent}
    return found


def _matching_words(known: Mapping[str, Any], own: Features, sold: Sequence[Features]) -> Features:
    found: Features = {}
    for words in MATCHED:
        given = [name for name in words if name in known]
        has_second_floor = known["second_flr_sf"] > 0 if words == STYLE and "second_flr_sf" in known else None

        def matches(one: Features, given: list[str] = given, has_second: bool | None = has_second_floor) -> bool:
            return all(one[name] == known[name] for name in given) and has_second in (None, one["second_flr_sf"] > 0)

        other = _first(matches, own, sold)
        taken = (*words, *FLOORS) if words == STYLE else words
        found |= {name: other[name] for name in taken}
    return found


def _first(matches: Callable[[Features], bool], own: Features, sold: Sequence[Features]) -> Features:
    """Return `own` if it matches, else the nearest sold house that does; `own` if none does."""
    return own if matches(own) else next((one for one in sold if matches(one)), own)


def _fit_sum(house: Features, known: Mapping[str, Any], total: str, parts: Sequence[str]) -> None:
    """Make the parts sum to a known total, in the proportions of the sold house; or the total to known parts."""
    given = sum(known[part] or 0.0 for part in parts if part in known)
    free = [part for part in parts if part not in known]
    if total not in known:
        if len(free) < len(parts):
            house[total] = sum(house[part] or 0.0 for part in parts)
        return
    left = max(0.0, (known[total] or 0.0) - given)
    sizes = [house[part] or 0.0 for part in free]
    if not free:
        return
    # Without any of these parts in the sold house, the first one has all of it.
    before = sum(sizes) or 1.0
    shares = sizes if sum(sizes) > 0 else [1.0, *sizes[1:]]
    fitted = [float(round(left * share / before)) for share in shares]
    fitted[fitted.index(max(fitted))] += left - sum(fitted)
    house.update(zip(free, fitted, strict=True))


def _fit_basement_finish(house: Features, known: Mapping[str, Any]) -> None:
    for kind, area in (("bsmt_fin_type1", "bsmt_fin_sf1"), ("bsmt_fin_type2", "bsmt_fin_sf2")):
        if known.get(area) == 0 and kind not in known and house[kind] is not None:
            house[kind] = _UNFINISHED


def _fit_garage(house: Features, known: Mapping[str, Any], completed: Features) -> None:
    """Keep the area for each car of the sold house."""
    cars, area = "garage_cars", "garage_area"
    if not completed[cars] or not completed[area]:
        return
    area_per_car = completed[area] / completed[cars]
    if area not in known and house[cars]:
        house[area] = float(round(area_per_car * house[cars]))
    elif cars not in known and house[area]:
        house[cars] = max(1, round(house[area] / area_per_car))


def _fit_rooms(house: Features, known: Mapping[str, Any]) -> None:
    rooms, bedrooms = "tot_rms_abv_grd", "bedroom_abv_gr"
    if rooms not in known:
        house[rooms] = max(house[rooms], house[bedrooms] + 1)
    elif bedrooms not in known:
        house[bedrooms] = min(house[bedrooms], max(known[rooms] - 1, 0))


def _fit_years(house: Features, known: Mapping[str, Any], own: Features) -> None:
    """Nothing happens to a house before it is built."""
    built = known["year_built"]
    if "year_remod_add" not in known:
        was_remodelled = own["year_remod_add"] > own["year_built"]
        house["year_remod_add"] = max(own["year_remod_add"], built) if was_remodelled else built
    if "garage_yr_blt" not in known and house["garage_yr_blt"] is not None:
        came_later = own["garage_yr_blt"] is not None and own["garage_yr_blt"] > own["year_built"]
        house["garage_yr_blt"] = max(house["garage_yr_blt"], built) if came_later else built
    if "yr_sold" not in known:
        house["yr_sold"] = max(house["yr_sold"], built)


def _fit_bounds(house: Features, known: Mapping[str, Any]) -> None:
    """Keep numbers that follow from unusual facts within the bounds of a `House`, such as the cars of a huge garage."""
    for name in _BOUNDS.keys() & house.keys() - known.keys():
        if house[name] is not None:
            low, high = _BOUNDS[name]
            house[name] = min(max(house[name], low), high)
