import ast
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from housing_price_model.artefact.export import MODEL
from housing_price_model.fitting.pack import SERVED_FILE
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import CATEGORIES, NUMBERS, OPTIONAL, SUBCLASSES

type Predict = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def features(houses: Houses) -> pd.DataFrame:
    return houses.features


@pytest.fixture(scope="module")
def answers(predict: Predict, features: pd.DataFrame) -> pd.DataFrame:
    """The answers for all houses, priced in one call."""
    return predict(features)


@pytest.fixture
def house(features: pd.DataFrame) -> pd.DataFrame:
    return features.iloc[[1]].reset_index(drop=True)


def assert_sane(answer: pd.DataFrame) -> None:
    numbers = answer[["price", "low", "high"]].to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers > 0).all()
    assert ((answer["low"] <= answer["price"]) & (answer["price"] <= answer["high"])).all()


@pytest.mark.parametrize("size", [1, 2, 7, 33, 1000])
def test_prices_are_identical_in_batches_of_any_size(
    predict: Predict, features: pd.DataFrame, answers: pd.DataFrame, size: int
) -> None:
    batches = [predict(features.iloc[at : at + size]) for at in range(0, len(features), size)]
    pd.testing.assert_frame_equal(pd.concat(batches, ignore_index=True), answers, check_exact=True)


def test_prices_are_identical_in_any_order(predict: Predict, features: pd.DataFrame, answers: pd.DataFrame) -> None:
    order = np.random.default_rng(0).permutation(len(features))
    shuffled = predict(features.iloc[order])
    pd.testing.assert_frame_equal(shuffled, answers.iloc[order].reset_index(drop=True), check_exact=True)


def test_prices_are_identical_in_a_batch_of_10000(
    predict: Predict, features: pd.DataFrame, answers: pd.DataFrame
) -> None:
    rows = np.resize(np.arange(len(features)), 10_000)
    expected = answers.iloc[rows].reset_index(drop=True)
    pd.testing.assert_frame_equal(predict(features.iloc[rows]), expected, check_exact=True)


def test_every_price_is_in_whole_cents_inside_its_interval(answers: pd.DataFrame) -> None:
    assert_sane(answers)
    cents = answers[["price", "low", "high"]].to_numpy() * 100
    np.testing.assert_allclose(cents, np.round(cents), atol=1e-6)
    assert answers["model_id"].nunique() == 1


def test_example_house_is_priced_near_its_sale_price(answers: pd.DataFrame, houses: Houses) -> None:
    assert houses.prices[1] == 105_000
    assert answers["price"][1] == pytest.approx(105_000, abs=20_000)


@pytest.mark.parametrize("name", sorted(OPTIONAL))
def test_optional_column_may_be_blank_or_absent(predict: Predict, house: pd.DataFrame, name: str) -> None:
    blanks = [None, np.nan, pd.NA]
    answers = [predict(house.assign(**{name: pd.Series([blank], dtype=object)})) for blank in blanks]
    answers.append(predict(house.drop(columns=name)))
    for answer in answers:
        assert_sane(answer)
        assert answer.equals(answers[0])


def test_house_with_all_optional_columns_blank_is_priced(predict: Predict, house: pd.DataFrame) -> None:
    assert_sane(predict(house.drop(columns=sorted(OPTIONAL))))


def test_every_declared_category_is_priced(predict: Predict, house: pd.DataFrame) -> None:
    vocabulary: dict[str, Sequence[str | int]] = {**CATEGORIES, "MSSubClass": SUBCLASSES}
    rows = [house.assign(**{name: value}) for name, values in vocabulary.items() for value in values]
    assert_sane(predict(pd.concat(rows)))


@pytest.mark.parametrize("extreme", [-1e300, -1.0, 0.0, 1e9, 1e300, np.inf])
def test_extreme_numbers_give_a_finite_positive_price(predict: Predict, house: pd.DataFrame, extreme: float) -> None:
    numbers = [name for name in NUMBERS if name != "MSSubClass"]
    one_by_one = [house.assign(**{name: extreme}) for name in numbers]
    assert_sane(predict(pd.concat([*one_by_one, house.assign(**dict.fromkeys(numbers, extreme))])))


def test_column_dtypes_do_not_change_the_price(predict: Predict, features: pd.DataFrame, answers: pd.DataFrame) -> None:
    some = features.head(50)
    split = pd.DataFrame(some.astype(object).where(some.notna(), None).to_numpy().tolist(), columns=some.columns)
    nullable = split.convert_dtypes()
    integers = features.astype({"LotArea": "int64", "MSSubClass": "int64"}).head(50)
    for frame in (split, nullable, integers, some[sorted(some.columns)]):
        assert predict(frame).equals(answers.head(50))


def test_empty_input_gives_empty_output(predict: Predict, house: pd.DataFrame) -> None:
    assert list(predict(house.head(0)).columns) == ["price", "low", "high", "model_id"]
    assert len(predict(house.head(0))) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Street": "Dummy"}, "Street: 'Dummy' is not one of Grvl, Pave"),
        ({"Street": None}, "Street: a value is missing"),
        ({"MSSubClass": 21.0}, r"MSSubClass: 21\.0 is not one of 20, 30"),
        ({"LotArea": np.nan}, "LotArea: a value is missing"),
        ({"LotArea": "large"}, "LotArea: 'large' is not a number"),
        ({"LotArea": "8450"}, "LotArea: '8450' is not a number"),
        ({"LotArea": b"8450"}, "LotArea: b'8450' is not a number"),
        ({"LotArea": True}, "LotArea: True is not a number"),
        ({"LotArea": np.True_}, r"LotArea: (np\.True_|True) is not a number"),
        ({"LotArea": 10**400}, "LotArea: a number of this size cannot be used"),
        ({"LotFrontage": "NA"}, "LotFrontage: 'NA' is not a number"),
        ({"MSSubClass": "20"}, "MSSubClass: '20' is not one of 20, 30"),
        ({"MSSubClass": True}, "MSSubClass: True is not one of 20, 30"),
        ({"Alley": "NA"}, "Alley: 'NA' is not one of Grvl, Pave"),
    ],
)
def test_invalid_value_is_rejected_naming_the_column(
    predict: Predict, house: pd.DataFrame, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        predict(house.astype(object).assign(**change))


@pytest.mark.parametrize("wrong", ["8450", True])
def test_one_invalid_value_among_many_is_rejected(predict: Predict, features: pd.DataFrame, wrong: str | bool) -> None:
    frame = features.head(100).astype(object)
    frame.loc[57, "LotArea"] = wrong
    with pytest.raises(ValueError, match=f"LotArea: {wrong!r} is not a number"):
        predict(frame)


def test_missing_column_is_rejected_by_name(predict: Predict, house: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="Street: the column is missing"):
        predict(house.drop(columns="Street"))


def test_served_file_imports_only_its_declared_packages() -> None:
    tree = ast.parse(SERVED_FILE.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    outside = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert outside == {"mlflow", "numpy", "onnxruntime", "pandas"}


def test_artefact_is_small_and_contains_no_pickle(champion: Path) -> None:
    files = [path for path in (champion / MODEL).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 10_000_000
    assert {path.suffix for path in files} <= {"", ".json", ".onnx", ".py", ".txt", ".yaml"}
