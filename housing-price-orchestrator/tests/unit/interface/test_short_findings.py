"""Lists of errors are shortened to a size, and say how many errors are missing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import house_bytes
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.interface.listed_findings import listed_findings
from housing_price_orchestrator.interface.short_findings import TOO_MANY, compact_json, omitted_entry, shortened
from housing_price_orchestrator.shared.errors import InvalidDocument

COUNT_ENTRY = len(compact_json([omitted_entry(10**6)]))


def listed(body: bytes) -> list[dict[str, Any]]:
    with pytest.raises(InvalidDocument) as error:
        read_house(body)
    return listed_findings(error.value.findings, error.value.omitted)


def counted(errors: Any) -> int:
    return sum(error["ctx"]["omitted"] if error["type"] == TOO_MANY else 1 for error in errors)


LISTS = [
    listed(b"{}"),
    listed(house_bytes(neighborhood="x")),
    listed(house_bytes(street="x", exterior1St="x", neighborhood=1, lotArea="y" * 150)),
    listed(house_bytes(**{f"key{number}": number for number in range(500)})),
    listed(house_bytes(**{"\u20ac" * 190: 1})),
    listed(house_bytes(id=10**60)),
    listed(b"{"),
]


@given(st.sampled_from(LISTS), st.integers(0, 3_000))
def test_a_list_has_at_most_the_size_and_counts_every_error(errors: list[dict[str, Any]], max_bytes: int) -> None:
    short = shortened(errors, max_bytes)
    assert len(compact_json(short)) <= max(max_bytes, COUNT_ENTRY)
    assert counted(short) == counted(errors)
    assert all({"type", "loc", "msg"} <= error.keys() for error in short)


@pytest.mark.parametrize("errors", LISTS, ids=range(len(LISTS)))
def test_a_list_that_fits_is_unchanged(errors: list[dict[str, Any]]) -> None:
    assert shortened(errors, len(compact_json(errors))) == errors


def test_one_error_of_a_field_with_many_words_is_named_in_500_bytes() -> None:
    for field in ("neighborhood", "exterior2Nd", "msSubClass", "saleType", "street"):
        (error,) = shortened(listed(house_bytes(**{field: "x"})), 400)
        assert (error["loc"], error["input"]) == (["body", field], "x")
        assert error["msg"].startswith("Input should be ")
