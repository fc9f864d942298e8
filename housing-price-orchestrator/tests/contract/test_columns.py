"""The public view, the survey's data and the model agree, both ways."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from fastapi.testclient import TestClient

from factories import ABSENT, REPOSITORY, alias_of, batch_bytes, house_json, survey_houses, survey_rows
from housing_price_orchestrator.interface.documents.batch_reading import read_houses
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD, column_types, row_of
from housing_price_orchestrator.shared.view.house import House
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL, SUBCLASSES
from housing_price_survey.columns import COLUMNS as MODEL_COLUMNS

ROWS = list(survey_rows())
DATA_README = (REPOSITORY / "housing-price-model" / "data" / "README.md").read_text(encoding="utf-8")


def words_of(field: str) -> set[Any] | None:
    """The words of a `Literal` field; None for any other field."""

    def words(kind: Any) -> Iterator[Any]:
        if type(kind).__name__ == "TypeAliasType":
            yield from words(kind.__value__)
        elif getattr(kind, "__origin__", None) is None and not hasattr(kind, "__args__"):
            return
        elif str(kind).startswith("typing.Literal"):
            yield from get_args(kind)
        else:
            for part in get_args(kind):
                yield from words(part)

    return set(words(House.model_fields[field].annotation)) or None


CATEGORICAL = [field for field in COLUMN_OF_FIELD if words_of(field) is not None]


def names_after(sentence: str) -> set[str]:
    """The column names that a sentence of the data's README lists."""
    (listed,) = re.findall(sentence + r"([^.]*)\.", DATA_README)
    return {name for name in re.split(r"[\s,:]+", listed) if name}


GAPS_IN_THE_DATA = names_after("Gaps in this file: ")
GAPS_ELSEWHERE = names_after("categoricals are sometimes blank as well: ")


def test_every_field_but_the_id_has_a_column() -> None:
    assert list(COLUMN_OF_FIELD) == [field for field in House.model_fields if field != "id"]
    assert len(set(COLUMNS)) == len(COLUMNS) == 79


def test_the_columns_are_those_of_the_survey_in_its_order() -> None:
    assert list(COLUMNS) == [column for column in ROWS[0] if column not in {"Id", "SalePrice"}]


def test_the_columns_are_those_of_the_model_package() -> None:
    assert tuple(COLUMNS) == tuple(MODEL_COLUMNS)


def test_the_columns_and_their_types_are_those_of_the_models_signature(champion: Path) -> None:
    signature = yaml.safe_load((champion / "model" / "MLmodel").read_text())["signature"]
    inputs = yaml.safe_load(signature["inputs"])
    assert [(one["name"], one["type"]) for one in inputs] == list(column_types().items())
    # Text has no other way to be absent; a number may be NaN.
    may_be_left_out = {one["name"] for one in inputs if not one.get("required", True)}
    assert {column for column in OPTIONAL if column_types()[column] == "string"} <= may_be_left_out <= OPTIONAL


def test_a_field_may_be_null_exactly_where_the_readme_says_that_data_has_gaps() -> None:
    nullable = {COLUMN_OF_FIELD[field] for field in COLUMN_OF_FIELD if not House.model_fields[field].is_required()}
    assert nullable == GAPS_IN_THE_DATA | GAPS_ELSEWHERE
    assert nullable == OPTIONAL


def test_the_readme_lists_the_gaps_that_the_data_has() -> None:
    assert {column for column in COLUMNS if any(not row[column] for row in ROWS)} == GAPS_IN_THE_DATA


@pytest.mark.parametrize("field", CATEGORICAL)
def test_the_words_of_a_field_are_exactly_those_of_the_survey(field: str) -> None:
    seen = {row[COLUMN_OF_FIELD[field]] for row in ROWS} - {""}
    words = words_of(field)
    assert words is not None
    assert {str(word) for word in words} == seen


@pytest.mark.parametrize("field", [field for field in CATEGORICAL if field != "ms_sub_class"])
def test_the_model_knows_every_word_of_a_field(field: str) -> None:
    words = words_of(field)
    assert words is not None
    assert words == set(CATEGORIES[COLUMN_OF_FIELD[field]])


def test_the_model_knows_every_type_of_dwelling() -> None:
    assert words_of("ms_sub_class") == set(SUBCLASSES)


def test_the_categoricals_are_the_same_on_both_sides() -> None:
    assert {COLUMN_OF_FIELD[field] for field in CATEGORICAL} == {*CATEGORIES, "MSSubClass"}


def test_every_house_of_the_survey_survives_the_way_to_the_models_row() -> None:
    documents = survey_houses()
    assert len(documents) == 2_930
    for document, row in zip(documents, ROWS, strict=True):
        for column, value in zip(COLUMNS, row_of(House.model_validate(document)), strict=True):
            if value is None:
                assert row[column] == ""
            elif isinstance(value, str):
                assert row[column] == value
            else:
                assert float(row[column]) == value


@pytest.mark.anyio
async def test_every_house_of_the_survey_is_read_from_json() -> None:
    documents = survey_houses()
    assert [house.id for house in await read_houses(batch_bytes(documents))] == [one["id"] for one in documents]


@pytest.mark.parametrize("column", sorted(GAPS_ELSEWHERE | GAPS_IN_THE_DATA))
def test_a_house_with_a_gap_there_is_accepted(column: str, api: TestClient) -> None:
    (field,) = (field for field, name in COLUMN_OF_FIELD.items() if name == column)
    for gap in (None, ABSENT):
        answer = api.post("/api/v1/price/predict", json=house_json(**{alias_of(field): gap}))
        assert answer.status_code == 200
