"""The specification of a comparables model must agree with itself and with the arrays of sold houses."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from housing_price_model.artefact.allowed_contents import check_contents
from housing_price_model.artefact.allowed_sales import check_sales
from housing_price_model.artefact.kinds import ARRAYS, COMPARABLES, SPECIFICATION
from housing_price_model.comparables.pack import load_comparables
from housing_price_model.errors import ArtefactError
from housing_price_model.survey.data import Houses, read_houses

# Warnings inside MLflow while the model is saved.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow")

type Change = Callable[[Path], None]


@pytest.fixture
def model(comparables_model: Path, tmp_path: Path) -> Path:
    """A copy of a comparables model that the test may change."""
    shutil.copytree(comparables_model, tmp_path / "model")
    return tmp_path / "model"


def specification(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the specification."""

    def changed(model: Path) -> None:
        document = json.loads((model / SPECIFICATION).read_bytes())
        change(document)
        (model / SPECIFICATION).write_text(json.dumps(document))

    return changed


def given_as(**values: Any) -> Change:
    return specification(lambda document: document.update(values))


def without(key: str) -> Change:
    return specification(lambda document: document.pop(key))


def measure(position: int, **values: Any) -> Change:
    return specification(lambda document: document["distance"][position].update(values))


def array(name: str, change: Callable[[Any], Any]) -> Change:
    """Replace an array by the result of a change."""

    def changed(model: Path) -> None:
        found = np.load(model / ARRAYS[name])
        np.save(model / ARRAYS[name], np.ascontiguousarray(change(found)), allow_pickle=False)

    return changed


def cell(name: str, at: Any, value: Any) -> Change:
    """Replace one cell of an array."""

    def changed(found: Any) -> Any:
        found[at] = value
        return found

    return array(name, changed)


def text(content: bytes) -> Change:
    def changed(model: Path) -> None:
        (model / SPECIFICATION).write_bytes(content)

    return changed


CONTRADICTORY: dict[str, tuple[Change, str]] = {
    "an empty file": (text(b""), "the document: Invalid JSON"),
    "no object": (text(b"[]"), "the document: Input should be an object"),
    "no JSON": (text(b"{"), "Invalid JSON"),
    "deeply nested": (text(b"[" * 100_000), "Invalid JSON"),
    "no UTF-8": (text(b'{"columns": "\xff"}'), "Invalid JSON"),
    **{
        f"no {key}": (without(key), f"{key}: Field required")
        for key in ("columns", "categories", "optional", "blanks", "distance", "ranked_last", "condition", "year")
    },
    "no month": (without("month"), "month: Field required"),
    "no blend": (without("blend"), "blend: Field required"),
    "no model id": (without("model_id"), "model_id: Field required"),
    "an empty model id": (given_as(model_id=""), "model_id: String should have at least 1"),
    "no columns": (given_as(columns=[]), "columns: List should have at least 1"),
    "columns as text": (given_as(columns="LotArea"), "columns: Input should be a valid array"),
    "a column too few": (specification(lambda one: one["columns"].remove("PoolArea")), r"numbers\.npy has 35"),
    "a column too many": (specification(lambda one: one["columns"].append("More")), r"numbers\.npy has 35"),
    "a column twice": (specification(lambda one: one["columns"].append("LotArea")), "a name is repeated"),
    "words of no column": (specification(lambda one: one["categories"].update(More=["a"])), "'More' is not one of"),
    "a column of words as numbers": (specification(lambda one: one["categories"].pop("Street")), "columns of words"),
    "no category": (specification(lambda one: one["categories"].update(Street=[])), "categories.Street: List should"),
    "a category too few": (
        specification(lambda one: one["categories"]["Street"].remove("Pave")),
        "positions that Street with 1 categories lacks",
    ),
    "a blank of no column": (given_as(blanks={"More": "a"}), "blanks: 'More' is not one of the columns"),
    "a blank of no category": (given_as(blanks={"MasVnrType": "a"}), "blanks: 'a' is not one of the categories"),
    "a blank of a number": (given_as(blanks={"LotArea": "a"}), "blanks: 'a' is not one of the categories of LotArea"),
    "an optional column too many": (given_as(optional=["More"]), "optional: 'More' is not one of the columns"),
    "no optional column": (given_as(optional=[]), "must have values"),
    "a distance of nothing": (given_as(distance=[]), "distance: List should have at least 1"),
    "a distance of no column": (measure(0, column="More"), "distance: 'More' is not one of the columns"),
    "a distance of another kind": (measure(0, kind="square"), "distance.0.kind: Input should be"),
    "a distance of numbers as words": (measure(0, kind="word"), "GrLivArea is not a column of kind word"),
    "a distance of words as numbers": (measure(8, kind="number"), "Neighborhood is not a column of kind number"),
    "no scale": (measure(0, scale=0.0), "distance.0.scale: Input should be greater than 0"),
    "an infinite scale": (measure(0, scale=float("inf")), "distance.0.scale: Input should be a finite number"),
    "a weight as text": (measure(0, weight="1"), "distance.0.weight: Input should be a valid number"),
    "no number as a weight": (measure(0, weight=float("nan")), "distance.0.weight: Input should be a finite number"),
    "a range upside down": (measure(0, lowest=1e9), "the lowest value of GrLivArea is above its highest"),
    "no logarithm": (measure(0, lowest=-1.0), "GrLivArea has no logarithm"),
    "a condition of no column": (given_as(condition="More"), "condition: 'More' is not one of the columns"),
    "a condition of numbers": (given_as(condition="LotArea"), "'Abnorml' is not one of the categories of LotArea"),
    "an unknown condition": (given_as(ranked_last=["More"]), "'More' is not one of the categories of SaleCondition"),
    "a year of no column": (given_as(year="More"), "year: 'More' is not one of the columns"),
    "a month of words": (given_as(month="Street"), "month: Street is a column of words"),
    "a year with blanks": (given_as(year="LotFrontage"), "LotFrontage that are not whole"),
    "a blend without a weight": (
        specification(lambda one: one["blend"].pop("weight")),
        "blend.weight: Field required",
    ),
    "a weight above 1": (
        specification(lambda one: one["blend"].update(weight=1.5)),
        "blend.weight: Input should be less than or equal to 1",
    ),
    "grades that are no numbers": (
        specification(lambda one: one["blend"].update(confidence={"high": "a", "medium": 1})),
        "blend.confidence.high: Input should be a valid number",
    ),
    "a grade without a bound": (
        specification(lambda one: one["blend"].update(confidence={"high": 0.1, "medium": 1e9})),
        "blend.confidence.medium: Input should be less than or equal to 1",
    ),
    "grades out of order": (
        specification(lambda one: one["blend"].update(confidence={"high": 0.2, "medium": 0.1})),
        "the limit of the grade high is above that of medium",
    ),
    "an array of words too narrow": (array("categories", lambda one: one[:, 1:]), r"categories\.npy has 43"),
    "an array of numbers too wide": (
        array("numbers", lambda one: np.hstack([one, one[:, :1]])),
        r"has 36",
    ),
    "an unknown word": (cell("categories", (0, 0), 99), "holds positions that MSSubClass with"),
    "a word before the first": (cell("categories", (0, 0), -2), "holds positions that MSSubClass with"),
    "a blank in a required column of words": (cell("categories", (0, 0), -1), "MSSubClass must have values"),
    "a blank in a required column of numbers": (cell("numbers", (0, 1), np.nan), "LotArea must have values"),
    "an infinite number": (cell("numbers", (0, 1), np.inf), "infinite values of LotArea"),
    "half a year": (cell("numbers", (0, -1), 2006.5), "values of YrSold that are not whole"),
    "a year before 1800": (cell("numbers", (0, -1), 209.0), "values of YrSold that are not from 1800 to 2100"),
    "a thirteenth month": (cell("numbers", (0, -2), 13.0), "values of MoSold that are not from 1 to 12"),
    "a month of the wrong column": (given_as(month="LotArea"), "month: .* values of LotArea that are not from 1 to 12"),
    "a price of zero": (cell("prices", 0, 0.0), "sale prices that are not positive"),
    "a price beyond all": (cell("prices", 0, 1e10), "sale prices that are not positive numbers up to 1,000,000,000"),
    "a number of zero": (cell("ids", 0, 0), "ids.npy holds numbers of sales below 1"),
    "a negative number": (cell("ids", 0, -7), "ids.npy holds numbers of sales below 1"),
    "a number twice": (array("ids", lambda one: np.full_like(one, 7)), "ids.npy holds the number of a sale twice"),
    "a parcel number with spaces": (array("pids", lambda one: np.array([b"a b"] * len(one))), "parcel numbers"),
    "a parcel number of a path": (cell("pids", 0, b"/x"), "parcel numbers that are not"),
    "a negative price": (cell("prices", 0, -1.0), "sale prices that are not positive"),
    "no number as a price": (cell("prices", 0, np.nan), "sale prices that are not positive"),
    "a parcel number of other bytes": (cell("pids", 0, b"\xff"), "parcel numbers that are not"),
}


@pytest.mark.parametrize("kind", CONTRADICTORY)
def test_contradictory_content_is_rejected_and_named(model: Path, kind: str) -> None:
    change, message = CONTRADICTORY[kind]
    assert check_contents(model) is COMPARABLES
    change(model)
    with pytest.raises(ArtefactError, match=message) as caught:
        check_contents(model)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def some_houses(few_houses: Path) -> Houses:
    return read_houses(few_houses)


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 100),
    st.floats(),
    st.sampled_from(["LotArea", "Street", "Pave", "", "number", "YrSold"]),
    st.lists(st.sampled_from(["LotArea", "Street", "Normal"]), max_size=3),
    st.just({}),
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the path of each value in a JSON document."""
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [found for key, value in pairs for found in ((*path, key), *places(value, (*path, key)))]


@pytest.mark.full
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changed_specification_is_rejected_or_still_answers(
    data: st.DataObject, comparables_model: Path, some_houses: Houses, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tmp_path_factory.mktemp("model", numbered=True) / "model"
    shutil.copytree(comparables_model, model)
    document = json.loads((model / SPECIFICATION).read_bytes())
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(places(document)))
        inside: Any = document
        for key in way:
            inside = inside[key]
        if data.draw(st.booleans()):
            inside[last] = data.draw(ANY)
        else:
            del inside[last]
    (model / SPECIFICATION).write_text(json.dumps(document))
    try:
        check_sales(model)
    except ArtefactError:
        return
    files = {name: str(model / file) for name, file in COMPARABLES.artifacts.items()}
    predict = load_comparables(files)
    answer = None
    # A house may have a word, or lack a value, of which the changed specification says otherwise.
    with suppress(ValueError):
        answer = predict(some_houses.features.head(3))
    assert answer is None or answer["sales"].map(len).tolist() == [6, 6, 6]
