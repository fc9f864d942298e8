"""A value is in the range of a model exactly if the model has seen it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing_price_orchestrator.shared.input_ranges import FeatureWarning, InputRanges, SeenValues, ValueRange

AREA = SeenValues("grLivArea", ValueRange(334.0, 5_642.0))
STREET = SeenValues("street", words=("Grvl", "Pave"))
SUBCLASS = SeenValues("msSubClass", words=(20, 30))
NEVER = SeenValues("alley", words=())
UNKNOWN = SeenValues("fence")
YEAR = SeenValues("yrSold", ValueRange(2006.0, 2010.0))
FEATURES = (AREA, STREET, SUBCLASS, NEVER, UNKNOWN, YEAR)
SEEN_ROW = (1_000.0, "Pave", 20, None, "MnPrv", 2010)


def test_a_row_of_seen_values_has_no_warnings() -> None:
    assert InputRanges("m", FEATURES).warnings_of(SEEN_ROW) == ()


def test_the_ends_of_a_range_are_seen() -> None:
    ranges = InputRanges("m", [AREA])
    assert ranges.warnings_of((334.0,)) == ranges.warnings_of((5_642.0,)) == ()
    assert ranges.warnings_of((333.99,)) == (FeatureWarning("grLivArea", 333.99, ValueRange(334.0, 5_642.0)),)
    assert ranges.warnings_of((5_642.01,))[0].value == 5_642.01


def test_each_value_outside_has_a_warning_numbers_first() -> None:
    warnings = InputRanges("m", FEATURES).warnings_of((1.0, "Dirt", 40, "Grvl", None, 2026))
    assert warnings == (
        FeatureWarning("grLivArea", 1.0, AREA.range),
        FeatureWarning("yrSold", 2026, YEAR.range),
        FeatureWarning("street", "Dirt", words=("Grvl", "Pave")),
        FeatureWarning("msSubClass", 40, words=(20, 30)),
        FeatureWarning("alley", "Grvl", words=()),
    )


def test_an_absent_feature_has_no_warning() -> None:
    assert InputRanges("m", FEATURES).warnings_of((None,) * len(FEATURES)) == ()


@pytest.mark.parametrize("value", [2005, 2005.0, 2011, 2**53 + 1, -1])
def test_whole_numbers_and_fractions_are_compared_alike(value: float) -> None:
    assert InputRanges("m", [YEAR]).warnings_of((value,)) == (FeatureWarning("yrSold", value, YEAR.range),)


def test_the_years_of_sale_are_those_of_the_range() -> None:
    assert InputRanges("m", FEATURES).sale_years == (2006, 2010)
    assert InputRanges("m", [AREA]).sale_years is None


numbers = st.one_of(st.none(), st.integers(0, 20), st.floats(0, 20))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))


@given(
    st.tuples(st.floats(0, 20), st.floats(0, 20)).map(sorted),
    st.lists(st.sampled_from(["a", "b"]), unique=True),
    numbers,
    words,
)
def test_the_compiled_check_agrees_with_the_comparison_of_each_value(
    ends: list[float], seen: list[str], number: float | None, word: str | None
) -> None:
    low, high = ends
    ranges = InputRanges("m", (SeenValues("n", ValueRange(low, high)), SeenValues("w", words=tuple(seen))))
    expected = []
    if number is not None and (number < low or number > high):
        expected.append("n")
    if word is not None and word not in seen:
        expected.append("w")
    assert [warning.field for warning in ranges.warnings_of((number, word))] == expected
