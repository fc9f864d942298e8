"""`GET /ranges`: the values that the served model has seen in training."""

import json
from pathlib import Path
from typing import Any, cast

import mlflow
import pytest
from mlflow.pyfunc import PyFuncModel
from starlette.testclient import TestClient

from housing_price_model.artefact.export import MODEL
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.input_ranges import input_ranges_of
from housing_price_model.serving.scoring_app import create_app
from housing_price_model.survey.data import Houses, read_houses
from housing_price_survey.columns import CATEGORIES, COLUMNS, NUMBERS, SUBCLASSES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

SUBCLASS = "MSSubClass"


@pytest.fixture(scope="module")
def model(export: Path) -> PyFuncModel:
    loaded: PyFuncModel = mlflow.pyfunc.load_model(str(export / MODEL))
    return loaded


@pytest.fixture(scope="module")
def ranges(model: PyFuncModel) -> dict[str, Any]:
    with TestClient(create_app(model)) as client:
        answer = client.get("/ranges")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(scope="module")
def seen(few_houses: Path) -> Houses:
    return read_houses(few_houses)


def test_the_ranges_are_those_of_the_training_data(ranges: dict[str, Any], seen: Houses) -> None:
    numbers = ranges["numbers"]
    assert list(numbers) == [name for name in NUMBERS if name != SUBCLASS]
    for name, (lowest, highest) in numbers.items():
        assert (lowest, highest) == (seen.features[name].min(), seen.features[name].max()), name


def test_the_words_are_those_of_the_training_data(ranges: dict[str, Any], seen: Houses) -> None:
    categories = ranges["categories"]
    assert set(categories) == {SUBCLASS, *CATEGORIES}
    for name, words in categories.items():
        assert set(words) == set(seen.features[name].dropna().unique()), name
    assert set(ranges["categories"]["RoofMatl"]) < set(CATEGORIES["RoofMatl"])


def test_the_model_is_named_as_in_its_answers(ranges: dict[str, Any], model: PyFuncModel, seen: Houses) -> None:
    answers = DirectModel(model).predict(seen.features.head(1))
    assert ranges["model_id"] == answers["model_id"].iloc[0]


@pytest.mark.parametrize("end", [0, 1])
def test_a_number_outside_counts_as_the_end_of_its_range(
    ranges: dict[str, Any], model: PyFuncModel, seen: Houses, end: int
) -> None:
    row = seen.features.head(1).astype(object)
    row = row.where(row.notna(), None)
    at_the_end, outside = (row.to_numpy().tolist()[0] for _ in range(2))
    for name in ("GrLivArea", "LotArea", "YearBuilt", "YrSold"):
        at_the_end[COLUMNS.index(name)] = ranges["numbers"][name][end]
        outside[COLUMNS.index(name)] = ranges["numbers"][name][end] + (1_000 if end else -1_000)
    prices = DirectModel(model).predict(Rows(COLUMNS, [at_the_end, outside]))["price"]
    assert prices.iloc[0] == prices.iloc[1]


def test_a_model_without_a_profile_says_all_words_that_it_knows(model: PyFuncModel) -> None:
    artifacts = model._model_impl.context.artifacts
    bare = with_artifacts({name: path for name, path in artifacts.items() if name != "profile"})
    found = input_ranges_of(bare)
    assert found is not None
    assert found["categories"] == {SUBCLASS: list(SUBCLASSES)} | {name: list(CATEGORIES[name]) for name in CATEGORIES}


def test_a_model_without_ranges_has_no_document(tmp_path: Path) -> None:
    other = tmp_path / "spec.json"
    other.write_text(json.dumps({"columns": ["a"], "k": 6}), encoding="utf-8")
    assert input_ranges_of(with_artifacts({})) is None
    assert input_ranges_of(with_artifacts({"spec": str(other)})) is None


def with_artifacts(artifacts: dict[str, str]) -> PyFuncModel:
    return cast("PyFuncModel", _Loaded(artifacts))


class _Loaded:
    """The part of a loaded model that `input_ranges_of` reads: the paths of its artefacts."""

    def __init__(self, artifacts: dict[str, str]) -> None:
        self._model_impl = self
        self.context = self
        self.artifacts = artifacts
