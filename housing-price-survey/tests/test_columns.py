"""The columns and words are exactly those of the data."""

import csv
from pathlib import Path
from typing import TypeAliasType

import pytest

from housing_price_survey import vocabulary
from housing_price_survey.columns import (
    CATEGORIES,
    COLUMNS,
    FEATURE_GROUPS,
    NUMBERS,
    OPTIONAL,
    SUBCLASSES,
    SURVEY_COLUMNS,
    TARGET,
    Column,
)
from housing_price_survey.vocabulary import FITTED_ORDER, fitted_words_of, words_of

DATA = Path(__file__).parents[2] / "housing-price-model" / "data" / "ames-housing.csv"
CATEGORICAL = [column for column in SURVEY_COLUMNS if column.words is not None]
TYPES = [value for value in vars(vocabulary).values() if isinstance(value, TypeAliasType)]
BLANK_IN_OTHER_EXTRACTS = {
    *("MSZoning", "Utilities", "Exterior1st", "Exterior2nd", "KitchenQual", "Functional", "SaleType"),
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_columns_are_those_of_the_data_in_its_order(rows: list[dict[str, str]]) -> None:
    assert list(rows[0]) == ["Id", *COLUMNS, TARGET]
    assert len(COLUMNS) == 79


@pytest.mark.parametrize("names", [[c.key for c in SURVEY_COLUMNS], COLUMNS, [c.spaced_name for c in SURVEY_COLUMNS]])
def test_each_name_is_that_of_one_column(names: list[str]) -> None:
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("column", SURVEY_COLUMNS, ids=lambda column: column.name)
def test_a_name_is_the_published_one_without_spaces_and_slashes(column: Column) -> None:
    assert column.spaced_name.replace(" ", "").replace("/", "") == column.name
    assert column.spaced_name == column.spaced_name.strip()


@pytest.mark.parametrize("column", CATEGORICAL, ids=lambda column: column.name)
def test_the_words_of_a_column_are_those_of_the_data(column: Column, rows: list[dict[str, str]]) -> None:
    assert column.words is not None
    words = fitted_words_of(column.words)
    assert {str(word) for word in words} == {row[column.name] for row in rows} - {""}
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_column_without_words_is_numeric(name: str, rows: list[dict[str, str]]) -> None:
    assert all(float(row[name]) >= 0 for row in rows if row[name])


def test_columns_may_be_blank_that_are_in_the_data_or_in_other_extracts(rows: list[dict[str, str]]) -> None:
    assert {name for name in COLUMNS if any(not row[name] for row in rows)} | BLANK_IN_OTHER_EXTRACTS == OPTIONAL


def test_a_column_is_text_or_numeric_and_the_type_of_dwelling_is_numeric() -> None:
    assert set(COLUMNS) == set(NUMBERS) | set(CATEGORIES)
    assert not set(NUMBERS) & set(CATEGORIES)
    assert "MSSubClass" in NUMBERS
    assert set(SUBCLASSES) == set(words_of(vocabulary.MsSubClass))


def test_each_column_belongs_to_one_of_the_groups_and_no_group_is_empty() -> None:
    assert len(FEATURE_GROUPS) == len(set(FEATURE_GROUPS)) == 11
    assert {column.group for column in SURVEY_COLUMNS} == set(FEATURE_GROUPS)


@pytest.mark.parametrize(
    ("prefix", "group"), [("Bsmt", "basement"), ("Garage", "garage"), ("Lot", "lot"), ("Exterior", "style")]
)
def test_columns_of_the_same_part_of_a_house_share_a_group(prefix: str, group: str) -> None:
    assert {column.group for column in SURVEY_COLUMNS if column.name.startswith(prefix)} == {group}


def test_every_type_of_the_vocabulary_belongs_to_a_column() -> None:
    assert {column.words for column in CATEGORICAL} == set(TYPES)


@pytest.mark.parametrize("words", TYPES, ids=str)
def test_words_are_in_alphabetical_order_and_each_stands_once(words: TypeAliasType) -> None:
    assert list(words_of(words)) == sorted(set(words_of(words)))


@pytest.mark.parametrize("words", TYPES, ids=str)
def test_models_are_fitted_with_each_word_once(words: TypeAliasType) -> None:
    assert sorted(fitted_words_of(words)) == list(words_of(words))
    assert (fitted_words_of(words) != words_of(words)) is (words in FITTED_ORDER)
