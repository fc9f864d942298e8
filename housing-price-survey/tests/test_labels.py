"""Every word, column and group has a label for people, and every number has a unit."""

from collections.abc import Iterable
from typing import TypeAliasType

import pytest

from housing_price_survey import vocabulary
from housing_price_survey.columns import FEATURE_GROUPS, SURVEY_COLUMNS, Column
from housing_price_survey.labels import LABELS, MONTHS, RATINGS
from housing_price_survey.titles import GROUP_TITLES, TITLES
from housing_price_survey.vocabulary import words_of

TYPES = [value for value in vars(vocabulary).values() if isinstance(value, TypeAliasType)]
COLUMNS = {column.name: column for column in SURVEY_COLUMNS}
MAX_LABEL, MAX_TITLE = 60, 45


def assert_readable(texts: Iterable[str], length: int) -> None:
    """Assert that each text is a short phrase: one line, without a full stop, and no other text is equal."""
    listed = list(texts)
    assert len(set(listed)) == len(listed)
    for text in listed:
        assert text == " ".join(text.split())
        assert text[0].isdigit() or text[0].isupper()
        assert 2 <= len(text) <= length
        assert not text.endswith(".")


def test_every_type_of_the_vocabulary_has_labels() -> None:
    assert set(LABELS) == set(TYPES)


@pytest.mark.parametrize("words", TYPES, ids=str)
def test_every_word_has_a_label_and_every_label_is_of_a_word(words: TypeAliasType) -> None:
    assert set(LABELS[words]) == set(words_of(words))
    assert_readable(LABELS[words].values(), MAX_LABEL)


@pytest.mark.parametrize(
    ("words", "word", "label"),
    [
        (vocabulary.Neighborhood, "NAmes", "North Ames"),
        (vocabulary.Grade, "TA", "Typical"),
        (vocabulary.MsSubClass, 20, "1-story, 1946 and newer"),
        (vocabulary.YesNo, "N", "No"),
        (vocabulary.PavedDrive, "N", "Dirt or gravel"),
        (vocabulary.MasVnrType, "None", "No masonry veneer"),
    ],
)
def test_a_word_has_the_label_of_the_documentation(words: TypeAliasType, word: str | int, label: str) -> None:
    assert LABELS[words][word] == label


def test_equal_words_for_the_same_thing_have_equal_labels() -> None:
    both = set(words_of(vocabulary.Exterior1st)) & set(words_of(vocabulary.Exterior2nd))
    assert len(both) == 13
    assert {LABELS[vocabulary.Exterior1st][word] for word in both} == {
        LABELS[vocabulary.Exterior2nd][word] for word in both
    }
    assert LABELS[vocabulary.BuiltGrade].items() < LABELS[vocabulary.Grade].items()
    assert LABELS[vocabulary.Condition2].items() < LABELS[vocabulary.Condition1].items()


def test_ratings_and_months_have_labels() -> None:
    assert sorted(RATINGS) == list(range(1, 11))
    assert (RATINGS[1], RATINGS[10]) == ("Very poor", "Very excellent")
    assert list(MONTHS) == list(range(1, 13))
    assert (MONTHS[1], MONTHS[12]) == ("January", "December")
    assert {column.name for column in SURVEY_COLUMNS if column.labels is RATINGS} == {"OverallQual", "OverallCond"}
    assert {column.name for column in SURVEY_COLUMNS if column.labels is MONTHS} == {"MoSold"}


def test_every_column_has_a_title_and_every_title_is_of_a_column() -> None:
    assert list(TITLES) == [column.key for column in SURVEY_COLUMNS]
    assert_readable(TITLES.values(), MAX_TITLE)
    assert COLUMNS["GrLivArea"].title == "Living area above ground"


def test_every_group_has_a_title_in_the_order_in_which_groups_are_shown() -> None:
    assert tuple(GROUP_TITLES) == FEATURE_GROUPS
    assert_readable(GROUP_TITLES.values(), MAX_TITLE)


@pytest.mark.parametrize("column", SURVEY_COLUMNS, ids=lambda column: column.name)
def test_a_column_has_either_words_or_a_unit(column: Column) -> None:
    assert (column.words is None) is (column.unit is not None)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("GrLivArea", "square feet"),
        ("LotFrontage", "feet"),
        ("MiscVal", "USD"),
        ("GarageCars", "1"),
        ("YrSold", "year"),
    ],
)
def test_a_number_has_its_unit(name: str, unit: str) -> None:
    assert COLUMNS[name].unit == unit


@pytest.mark.parametrize("column", SURVEY_COLUMNS, ids=lambda column: column.name)
def test_a_blank_value_has_the_meaning_of_the_documentation(column: Column) -> None:
    absent = {
        "Alley": "No alley access",
        "FireplaceQu": "No fireplace",
        "PoolQC": "No pool",
        "Fence": "No fence",
        "MiscFeature": "No other feature",
        **dict.fromkeys(("BsmtQual", "BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFinType2"), "No basement"),
        **dict.fromkeys(("GarageType", "GarageYrBlt", "GarageFinish", "GarageQual", "GarageCond"), "No garage"),
    }
    assert (column.blank or None) == absent.get(column.name)
