from housing_price_model.artefact.served import RANKED
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.survey.data import BUNDLED, Houses
from housing_price_model.survey.vocabulary import CATEGORIES, COLUMNS, NUMBERS, OPTIONAL, SUBCLASSES, TARGET

SOMETIMES_BLANK_ELSEWHERE = {
    *("MSZoning", "Utilities", "Exterior1st", "Exterior2nd", "KitchenQual", "Functional", "SaleType"),
}


def test_columns_match_the_data_in_order() -> None:
    header = BUNDLED.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header == ["Id", *COLUMNS, TARGET]
    assert len(COLUMNS) == 79
    assert set(COLUMNS) == set(NUMBERS) | set(CATEGORIES)


def test_categories_match_the_data(houses: Houses) -> None:
    for name, declared in CATEGORIES.items():
        assert set(declared) == set(houses.features[name].dropna()), name
        assert len(declared) == len(set(declared)), name
    assert set(houses.features["MSSubClass"]) == set(SUBCLASSES)


def test_optional_columns_are_those_that_can_be_blank(houses: Houses) -> None:
    with_gaps = {name for name in COLUMNS if houses.features[name].isna().any()}
    assert with_gaps | SOMETIMES_BLANK_ELSEWHERE == OPTIONAL


def test_encoder_has_exactly_the_declared_categories() -> None:
    assert ENCODER.categories == {"MSSubClass": SUBCLASSES, **CATEGORIES}


def test_every_ranked_column_has_categories() -> None:
    assert set(RANKED) <= set(CATEGORIES)
