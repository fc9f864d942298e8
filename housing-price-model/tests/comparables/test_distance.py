"""Promises of the distance and of the search for the nearest sales, on the real houses."""

from pathlib import Path

import numpy as np
import pytest

from housing_price_model.artefact.served_comparables import NO_SALE, Distance, Floats, Neighbours
from housing_price_model.comparables.distance import (
    MEASURES,
    RANKED_LAST,
    neighbours_of,
    ranks_last,
    scaled_measures,
)
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

NAMES = [measure.column for measure in MEASURES]


@pytest.fixture(scope="module")
def values(houses: Houses) -> Floats:
    return ENCODER.encode(houses.features)


@pytest.fixture(scope="module")
def distance(values: Floats) -> Distance:
    return Distance(COLUMNS, scaled_measures(values))


@pytest.fixture(scope="module")
def neighbours(values: Floats) -> Neighbours:
    return neighbours_of(values)


def changed(row: Floats, **numbers: float) -> Floats:
    """Return a copy of an encoded row with other values in some columns."""
    copy = row.copy()
    for name, number in numbers.items():
        copy[COLUMNS.index(name)] = number
    return copy


def between(distance: Distance, one: Floats, other: Floats, known: tuple[str, ...] = ()) -> float:
    some, others = (distance.coordinates(row[np.newaxis]) for row in (one, other))
    return float(distance.between(some, others, known)[0, 0])


def test_distance_is_symmetric_and_zero_for_equal_houses(distance: Distance, values: Floats) -> None:
    coordinates = distance.coordinates(values[:500])
    square = distance.between(coordinates, coordinates)
    assert np.array_equal(square, square.T)
    assert not np.diag(square).any()
    others = distance.between(coordinates, distance.coordinates(values[500:1000]))
    assert (others >= 0).all()


def test_distance_obeys_the_triangle_inequality(distance: Distance, values: Floats) -> None:
    coordinates = distance.coordinates(values[::30])
    square = distance.between(coordinates, coordinates)
    detours = square[:, :, np.newaxis] + square[np.newaxis]
    assert (square[:, np.newaxis] <= detours + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_column_of_the_distance_counts_alone(distance: Distance, values: Floats, name: str) -> None:
    house = values[0]
    column = values[:, COLUMNS.index(name)]
    other = next(value for value in column if value != house[COLUMNS.index(name)] and value > 0)
    assert between(distance, house, changed(house, **{name: other})) > 0


def test_other_neighbourhood_is_as_far_as_its_weight(distance: Distance, values: Floats) -> None:
    house = values[0]
    elsewhere = changed(house, Neighborhood=house[COLUMNS.index("Neighborhood")] - 1)
    assert between(distance, house, elsewhere) == 3.0


def test_columns_outside_the_distance_do_not_count(distance: Distance, values: Floats) -> None:
    assert "PoolArea" not in NAMES
    assert between(distance, values[0], changed(values[0], PoolArea=500.0)) == 0.0


def test_blank_counts_as_zero(distance: Distance, values: Floats) -> None:
    house = changed(values[0], TotalBsmtSF=0.0, GarageCars=0.0)
    assert between(distance, house, changed(house, TotalBsmtSF=np.nan, GarageCars=np.nan)) == 0.0


@pytest.mark.parametrize("number", [-np.inf, -1e300, -5.0, 1e300, np.inf])
def test_numbers_outside_the_range_of_the_sales_count_as_the_nearest_inside(
    distance: Distance, values: Floats, number: float
) -> None:
    areas = values[:, COLUMNS.index("LotArea")]
    nearest = float(areas.min() if number < 0 else areas.max())
    assert between(distance, changed(values[0], LotArea=number), changed(values[0], LotArea=nearest)) == 0.0


def test_sales_not_at_arms_length_rank_last(neighbours: Neighbours, values: Floats, houses: Houses) -> None:
    conditions = houses.features["SaleCondition"].to_numpy()
    normal = np.flatnonzero(~np.isin(conditions, sorted(RANKED_LAST)))[:200]
    positions, _ = neighbours.nearest(values[normal], 50)
    assert not np.isin(conditions[positions], sorted(RANKED_LAST)).any()
    everything, _ = neighbours.nearest(values[normal[:1]], len(values))
    last = np.isin(conditions[everything[0, :-1]], sorted(RANKED_LAST))
    assert last.any()
    assert np.array_equal(last, np.sort(last)), "every other sale comes first"


def test_house_sold_in_a_foreclosure_is_compared_with_foreclosures_first(
    neighbours: Neighbours, values: Floats, houses: Houses
) -> None:
    conditions = houses.features["SaleCondition"].to_numpy()
    foreclosures = np.flatnonzero(conditions == "Abnorml")
    everything, distances = neighbours.nearest(values[foreclosures[:1]], len(values))
    order = conditions[everything[0, :-1]]
    # Foreclosures and sales at arm's length by distance; then the sales within a family and the like, by distance.
    last = np.isin(order, sorted(RANKED_LAST - {"Abnorml"}))
    assert last.any()
    assert np.array_equal(last, np.sort(last))
    for part in (distances[0, :-1][~last], distances[0, :-1][last]):
        assert np.array_equal(part, np.sort(part))
    positions, _ = neighbours.nearest(values[foreclosures], 1)
    assert np.mean(conditions[positions[:, 0]] == "Abnorml") > 0.9
    # Where the condition of the house is not known, they all rank last.
    positions, _ = neighbours.nearest(values[foreclosures], 6, ("GrLivArea", "Neighborhood"))
    assert not np.isin(conditions[positions], sorted(RANKED_LAST)).any()


def test_house_of_the_data_is_never_its_own_comparable(neighbours: Neighbours, values: Floats) -> None:
    positions, distances = neighbours.nearest(values, 6)
    assert not (positions == np.arange(len(values))[:, np.newaxis]).any()
    assert np.isfinite(distances).all()
    # A house that differs in any column, also outside the distance, is another one.
    positions, distances = neighbours.nearest(changed(values[0], MoSold=12.0)[np.newaxis], 1)
    assert (positions[0, 0], distances[0, 0]) == (0, 0.0)


def test_sales_come_nearest_first_and_none_is_nearer(
    neighbours: Neighbours, distance: Distance, values: Floats
) -> None:
    positions, distances = neighbours.nearest(values[:40], 6)
    assert (np.diff(distances, axis=1) >= 0).all()
    coordinates = distance.coordinates(values)
    everything = distance.between(coordinates[:, :40], coordinates)
    assert np.array_equal(np.take_along_axis(everything, positions, axis=1), distances)
    condition = values[:, COLUMNS.index("SaleCondition")]
    everything[ranks_last(values) & (condition[:40, np.newaxis] != condition)] = np.inf
    everything[np.arange(40), np.arange(40)] = np.inf
    assert np.array_equal(np.sort(everything, axis=1)[:, :6], distances)


def test_equal_distances_are_in_the_order_of_the_data(values: Floats) -> None:
    normal = values[~ranks_last(values)][0]
    twins = np.array([changed(normal, MoSold=month) for month in range(1, 13)])
    positions, distances = neighbours_of(twins).nearest(changed(normal, MoSold=6.5)[np.newaxis], 5)
    assert positions.tolist() == [[0, 1, 2, 3, 4]]
    assert not distances.any()


def test_fewer_sales_than_asked_for_are_marked(values: Floats) -> None:
    positions, distances = neighbours_of(values[:4]).nearest(values[:1], 6)
    assert sorted(positions[0, :3].tolist()) == [1, 2, 3]
    assert positions[0, 3:].tolist() == [NO_SALE] * 3
    assert np.isinf(distances[0, 3:]).all()


@pytest.mark.parametrize("rows", [1, 2, 7, 33])
def test_answer_does_not_depend_on_the_other_rows(neighbours: Neighbours, values: Floats, rows: int) -> None:
    chosen = values[:330]
    positions, distances = neighbours.nearest(chosen, 6)
    for start in range(0, len(chosen), rows):
        some, their_distances = neighbours.nearest(chosen[start : start + rows], 6)
        assert np.array_equal(some, positions[start : start + rows])
        assert np.array_equal(their_distances, distances[start : start + rows])


def test_answer_does_not_depend_on_the_order_of_the_rows(neighbours: Neighbours, values: Floats) -> None:
    order = np.random.default_rng(0).permutation(1000)
    positions, distances = neighbours.nearest(values[:1000], 6)
    shuffled, their_distances = neighbours.nearest(values[order], 6)
    assert np.array_equal(shuffled, positions[order])
    assert np.array_equal(their_distances, distances[order])


def test_only_the_known_columns_count(neighbours: Neighbours, distance: Distance, values: Floats) -> None:
    known = ("Neighborhood", "GrLivArea", "OverallQual", "YearBuilt", "PoolArea")
    blank = np.full_like(values[:20], np.nan)
    for name in known:
        blank[:, COLUMNS.index(name)] = values[:20, COLUMNS.index(name)]
    of_blank, of_full = (neighbours.nearest(rows, 6, known) for rows in (blank, changed_outside(values[:20])))
    assert np.array_equal(of_blank[0], of_full[0])
    assert np.array_equal(of_blank[1], of_full[1])
    # The house itself comes first: nobody can tell it from another with the same facts.
    assert (of_blank[0][0, 0], of_blank[1][0, 0]) == (0, 0.0)
    second = values[of_blank[0][0, 1]]
    assert of_blank[1][0, 1] == between(distance, values[0], second, known)
    assert of_blank[1][0, 1] < between(distance, values[0], second)


def changed_outside(values: Floats) -> Floats:
    """Return copies of encoded rows with other values in columns that are not known."""
    return np.array([changed(row, LotArea=1300.0, BldgType=0.0, MoSold=6.5) for row in values])


def test_known_columns_outside_the_distance_are_refused(neighbours: Neighbours, values: Floats) -> None:
    with pytest.raises(ValueError, match="none of these columns is in the distance: GrLivArea"):
        neighbours.nearest(values[:1], 6, ("PoolArea",))


def test_column_in_which_all_houses_are_equal_has_scale_1(values: Floats) -> None:
    scales = {measure["column"]: measure["scale"] for measure in scaled_measures(np.repeat(values[:1], 3, axis=0))}
    assert set(scales.values()) == {1.0}


def test_readme_names_each_column_of_the_distance_with_its_weight() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = [line.split("|") for line in readme.splitlines() if line.lstrip().startswith("| `")]
    scales = {"number": "number", "log": "logarithm", "word": "same or other word"}
    documented = {
        (name.strip(" `"), cells[2].strip(), float(cells[3]))
        for cells in table
        if len(cells) == 5 and cells[2].strip() in scales.values()
        for name in cells[1].split(",")
    }
    assert documented == {(measure.column, scales[measure.kind], measure.weight) for measure in MEASURES}
