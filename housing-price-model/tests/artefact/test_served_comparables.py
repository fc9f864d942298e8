"""Promises of the served comparables model, with all houses of the survey."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from housing_price_model.artefact.served_comparables import MAX_K
from housing_price_model.comparables.blend import Blend, ConfidenceLimits
from housing_price_model.comparables.distance import RANKED_LAST, neighbours_of
from housing_price_model.comparables.pack import load_comparables, pack_comparables
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.reference.profile import cells_of
from housing_price_model.serving.fast_scoring import Rows
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

BLEND = Blend(0.5, 0.3, 1.0, 0.1, ConfidenceLimits(high=0.06, medium=0.12))
KNOWN = ["Neighborhood", "GrLivArea", "OverallQual", "YearBuilt"]
SALE_KEYS = ["id", "pid", "price", "year", "month", "condition", "distance", "features"]

type Find = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(houses: Houses, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    pack_comparables(houses, BLEND, folder)
    return folder


def answers_of(folder: Path) -> Find:
    predict = load_comparables({path.stem: str(path) for path in folder.iterdir()})

    def find(frame: Any, **params: Any) -> list[dict[str, Any]]:
        return [{str(key): value for key, value in row.items()} for row in predict(frame, params).to_dict("records")]

    return find


@pytest.fixture(scope="module")
def find(folder: Path) -> Find:
    return answers_of(folder)


def test_answer_holds_the_nearest_sales_with_all_their_features(find: Find, houses: Houses) -> None:
    (answer,) = find(houses.features.head(1))
    assert list(answer) == ["sales", "blend", "model_id"]
    assert answer["blend"] == {
        "weight": 0.5,
        "distance_offset": 0.3,
        "interval_scale": 1.0,
        "interval_spread": 0.1,
        "confidence": {"high": 0.06, "medium": 0.12},
    }
    positions, distances = neighbours_of(ENCODER.encode(houses.features)).nearest(
        ENCODER.encode(houses.features.head(1)), 6
    )
    cells = cells_of(houses.features)
    for sale, position, distance in zip(answer["sales"], positions[0], distances[0], strict=True):
        assert list(sale) == SALE_KEYS
        assert (sale["id"], sale["pid"], sale["price"]) == (position + 1, None, houses.prices[position])
        assert sale["distance"] == round(distance, 6)
        assert sale["features"] == cells[position]
        row = dict(zip(COLUMNS, sale["features"], strict=True))
        assert (sale["year"], sale["month"], sale["condition"]) == (row["YrSold"], row["MoSold"], row["SaleCondition"])


def test_answer_is_plain_json(find: Find, houses: Houses) -> None:
    answers = find(houses.features.head(20))
    assert json.loads(json.dumps(answers, allow_nan=False)) == answers
    assert type(answers[0]["sales"][0]["features"][COLUMNS.index("YearBuilt")]) is int


def test_no_house_of_the_data_is_its_own_comparable(find: Find, houses: Houses) -> None:
    conditions = houses.features["SaleCondition"]
    for number, (answer, condition) in enumerate(zip(find(houses.features), conditions, strict=True), 1):
        sales = answer["sales"]
        assert number not in {sale["id"] for sale in sales}
        assert not {sale["condition"] for sale in sales} & (RANKED_LAST - {condition})


def test_blank_veneer_without_area_is_the_same_house(find: Find, houses: Houses) -> None:
    frame = houses.features.head(50).astype({"MasVnrType": object})
    blank = frame.assign(MasVnrType=frame["MasVnrType"].where(frame["MasVnrType"] != "None", None))
    assert blank["MasVnrType"].isna().any()
    assert find(blank) == find(frame)


@pytest.mark.parametrize("rows", [1, 2, 7, 33])
def test_answer_does_not_depend_on_the_other_rows(find: Find, houses: Houses, rows: int) -> None:
    frame = houses.features.head(99)
    together = find(frame)
    for start in range(0, len(frame), rows):
        assert find(frame.iloc[start : start + rows]) == together[start : start + rows]


def test_answer_does_not_depend_on_the_order_of_columns_or_the_kind_of_table(find: Find, houses: Houses) -> None:
    frame = houses.features.head(40)
    answers = find(frame)
    assert find(frame[frame.columns[::-1]]) == answers
    assert find(Rows(COLUMNS, cells_of(frame))) == answers
    assert find(frame.iloc[::-1]) == answers[::-1]


def test_k_is_the_number_of_sales(find: Find, houses: Houses) -> None:
    frame = houses.features.head(3)
    many = find(frame, k=MAX_K)
    for k in (1, 6, 20, MAX_K):
        answers = find(frame, k=k)
        assert [answer["sales"] for answer in answers] == [answer["sales"][:k] for answer in many]
    assert all(len(answer["sales"]) == MAX_K for answer in many)


def test_with_known_columns_all_others_may_be_blank_or_missing(find: Find, houses: Houses) -> None:
    full = houses.features.head(20)
    blank = full.assign(**{name: None for name in COLUMNS if name not in KNOWN})
    answers = find(full[KNOWN], k=20, known=KNOWN)
    assert find(blank, k=20, known=KNOWN) == answers
    for answer, house in zip(answers, full.to_dict("records"), strict=True):
        nearest = dict(zip(COLUMNS, answer["sales"][1]["features"], strict=True))
        assert abs(nearest["OverallQual"] - house["OverallQual"]) <= 2
        assert abs(np.log(nearest["GrLivArea"] / house["GrLivArea"])) < 0.5


def test_all_columns_known_is_the_same_as_none_named(find: Find, houses: Houses) -> None:
    frame = houses.features.head(10)
    assert find(frame, known=list(COLUMNS)) == find(frame) == find(frame, known=[])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Neighborhood": "Nowhere"}, "Neighborhood: 'Nowhere' is not one of"),
        ({"GrLivArea": "1500"}, "GrLivArea: '1500' is not a number"),
        ({"GrLivArea": True}, "GrLivArea: True is not a number"),
        ({"GrLivArea": None}, "GrLivArea: a value is missing"),
        ({"GrLivArea": 10**400}, "GrLivArea: a number of this size cannot be used"),
        ({"MSSubClass": 21}, "MSSubClass: 21 is not one of"),
        ({"PoolArea": None}, "PoolArea: a value is missing"),
        ({"PoolArea": [1]}, r"PoolArea: \[1\] is not a number"),
    ],
)
def test_invalid_value_is_refused_and_named(find: Find, houses: Houses, changes: dict[str, Any], message: str) -> None:
    row = dict(zip(COLUMNS, cells_of(houses.features.head(1))[0], strict=True)) | changes
    frame = pd.DataFrame([list(row.values())], columns=list(row), dtype=object)
    with pytest.raises(ValueError, match=message):
        find(frame)


def test_missing_column_is_refused_and_named(find: Find, houses: Houses) -> None:
    with pytest.raises(ValueError, match="LotArea: the column is missing"):
        find(houses.features.head(1).drop(columns="LotArea"))
    with pytest.raises(ValueError, match="GrLivArea: the column is missing"):
        find(houses.features.head(1)[["Neighborhood"]], known=["Neighborhood", "GrLivArea"])
    with pytest.raises(ValueError, match="GrLivArea: a value is missing"):
        find(houses.features.head(1).assign(GrLivArea=None), known=["GrLivArea"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"k": 0}, "k: 0 is not an integer from 1 to 50"),
        ({"k": 51}, "k: 51 is not"),
        ({"k": -1}, "k: -1 is not"),
        ({"k": True}, "k: True is not"),
        ({"k": 6.0}, "k: 6.0 is not"),
        ({"k": "6"}, "k: '6' is not"),
        ({"k": None}, "k: None is not"),
        ({"known": "GrLivArea"}, "known: 'GrLivArea' is not a list of columns"),
        ({"known": {"GrLivArea": 1}}, "is not a list of columns"),
        ({"known": ["grLivArea"]}, "known: 'grLivArea' is not a column of the survey"),
        ({"known": [["GrLivArea"]]}, "is not a column of the survey"),
        ({"known": ["PoolArea"]}, "known: none of these columns is in the distance"),
    ],
)
def test_invalid_parameter_is_refused_and_named(
    find: Find, houses: Houses, params: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        find(houses.features.head(1), **params)


def test_no_rows_have_no_answers(find: Find, houses: Houses) -> None:
    assert find(houses.features.head(0)) == []


def test_numbers_outside_the_range_of_the_sales_have_an_answer(find: Find, houses: Houses) -> None:
    frame = houses.features.head(1)
    for number in (-1e300, -1.0, 0.0, 1e300, np.inf, -np.inf):
        (answer,) = find(frame.assign(GrLivArea=number, LotArea=number, OverallQual=number))
        assert len(answer["sales"]) == 6
        assert all(np.isfinite(sale["distance"]) for sale in answer["sales"])


def test_few_sales_are_all_answered_the_ones_not_at_arms_length_last(houses: Houses, tmp_path: Path) -> None:
    order = np.argsort(houses.features["SaleCondition"].to_numpy() == "Normal", kind="stable")
    chosen = np.concatenate([order[:2], order[-2:]])
    conditions = houses.features["SaleCondition"].to_numpy()[chosen]
    few = Houses(
        houses.features.iloc[chosen], houses.prices[chosen], "", np.array([7, 8, 9, 10]), ("a", None, "ü", "526301100")
    )
    pack_comparables(few, BLEND, tmp_path)
    (answer,) = answers_of(tmp_path)(houses.features.iloc[[1000]])
    found = {sale["id"]: sale for sale in answer["sales"]}
    assert {number: sale["pid"] for number, sale in found.items()} == {7: "a", 8: None, 9: "ü", 10: "526301100"}
    last = [sale["condition"] in RANKED_LAST for sale in answer["sales"]]
    assert sorted(last) == last
    assert sum(last) == sum(condition in RANKED_LAST for condition in conditions)


def test_equal_houses_and_blends_have_the_same_bytes_and_identity(folder: Path, houses: Houses, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    for path in (again, other):
        path.mkdir()
    same = pack_comparables(houses, BLEND, again)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert same.model_id == json.loads((folder / "spec.json").read_text())["model_id"]
    assert pack_comparables(houses, Blend(0.6, 0.3, 1.0, 0.1), other).model_id != same.model_id


def test_artefacts_of_all_houses_take_at_most_2_mb(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2_000_000
