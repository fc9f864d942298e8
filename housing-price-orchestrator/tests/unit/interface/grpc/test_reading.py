"""Houses in messages are accepted and refused by the rules for JSON."""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import ABSENT, house_json, survey_houses
from housing_price_orchestrator.interface.documents import reading as json_reading
from housing_price_orchestrator.interface.grpc.documents.reading import (
    read_batch_request,
    read_house,
    read_predict_request,
)
from housing_price_orchestrator.interface.grpc.documents.splitting import split_houses
from housing_price_orchestrator.interface.grpc.documents.writing import house_message as message_of
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.shared.errors import InvalidDocument
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.house import House
from rpc_client import house_message
from strategies import house_documents

pytestmark = pytest.mark.anyio

UNKNOWN_FIELD = b"\xfa\x3f\x03\xff\xfe\xfd"
"""Field 1023 with three bytes that are not UTF-8."""
REQUIRED = {field.key for field in house_fields() if not field.is_nullable}
NUMBERS = [field for field in house_fields() if not field.words]


def encoded(**changes: Any) -> bytes:
    return house_message(house_json(**changes)).SerializeToString()


def places_of(error: InvalidDocument) -> set[tuple[int | str, ...]]:
    return {tuple(finding["loc"]) for finding in error.findings}


def findings_in(message: bytes) -> dict[Any, str]:
    with pytest.raises(InvalidDocument) as caught:
        read_house(message)
    return {finding["loc"][-1]: finding["type"] for finding in caught.value.findings}


def test_every_house_of_the_survey_is_read_as_from_json() -> None:
    for document in survey_houses():
        from_json = json_reading.read_house(msgspec.json.encode(document))
        assert read_house(house_message(document).SerializeToString()) == from_json


@given(house_documents)
def test_any_valid_house_survives_the_way_there_and_back(document: dict[str, Any]) -> None:
    house = House.model_validate(document)
    read = read_house(message_of(house).SerializeToString())
    assert msgspec.to_builtins(read) == house.model_dump()


@given(st.sets(st.sampled_from(sorted(REQUIRED)), min_size=1))
def test_each_required_field_that_is_left_out_is_named(keys: set[str]) -> None:
    assert findings_in(encoded(**dict.fromkeys(keys))) == dict.fromkeys(keys, "missing")


@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: str(field.key))
def test_bounds_are_those_of_json(field: Any) -> None:
    for beyond in (field.minimum - 1, field.maximum + 1):
        if field.key == "id" and beyond > 0:
            continue
        assert set(findings_in(encoded(**{field.key: beyond}))) == {field.key}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    assert set(findings_in(encoded(lotArea=value))) == {"lotArea"}


def test_zero_is_a_value_and_not_absence() -> None:
    assert msgspec.to_builtins(read_house(encoded(fireplaces=0, garageCars=0)))["garageCars"] == 0


@pytest.mark.parametrize("number", [0, 3, 999, -1, 2**31 - 1])
@pytest.mark.parametrize("field", ["street", "alley"])
def test_unspecified_and_unknown_values_of_an_enum_are_refused_with_the_accepted_ones(field: str, number: int) -> None:
    message = house_message(house_json())
    setattr(message, field, number)
    with pytest.raises(InvalidDocument) as caught:
        read_house(message.SerializeToString())
    (finding,) = caught.value.findings
    assert (finding["type"], finding["loc"]) == ("enum", ("body", field))
    assert f"{field.upper()}_GRVL" in finding["msg"]


def test_all_errors_of_a_house_are_listed_in_the_order_of_its_fields() -> None:
    message = house_message(house_json(lotArea=-1, overallQual=None))
    message.street = 0  # type: ignore[assignment]  # refused: that is the point
    assert findings_in(message.SerializeToString()) == {
        "lotArea": "greater_than_equal",
        "street": "enum",
        "overallQual": "missing",
    }


def test_unknown_fields_are_refused_by_number() -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_house(encoded() + UNKNOWN_FIELD)
    assert "1023" in caught.value.findings[0]["msg"]


def test_a_field_of_another_wire_type_is_refused() -> None:
    # Field 2, the class of dwelling, as bytes instead of a number.
    assert findings_in(encoded(msSubClass=ABSENT) + b"\x12\x02\xff\xff") == {"body": "extra_forbidden"}


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\xff", b"\x80" * 20, b"\x09", b"\x0b", b"\x0a\x05\x0a\x03abc"])
def test_bytes_that_are_no_message_are_refused(message: bytes) -> None:
    with pytest.raises(InvalidDocument):
        read_predict_request(message)


@given(st.binary(max_size=200))
async def test_any_bytes_are_either_read_or_refused(message: bytes) -> None:
    for part in (message, encoded()[: len(message)] + message):
        for read in (read_predict_request, read_house):
            with contextlib.suppress(InvalidDocument):
                read(part)
        with contextlib.suppress(InvalidDocument):
            await read_batch_request(part, max_houses=5)


async def test_a_batch_keeps_the_order_of_the_houses() -> None:
    request = price_pb2.PredictBatchRequest(houses=[house_message(house_json(id=number)) for number in range(1, 200)])
    read = await read_batch_request(request.SerializeToString(), max_houses=199)
    assert [house.id for house in read] == list(range(1, 200))


async def test_errors_of_a_batch_name_the_house() -> None:
    houses = [house_message(house_json()) for _ in range(3)]
    houses[1].lot_area = 0
    houses[2].ClearField("street")
    with pytest.raises(InvalidDocument) as caught:
        await read_batch_request(price_pb2.PredictBatchRequest(houses=houses).SerializeToString(), max_houses=9)
    assert places_of(caught.value) == {("body", "data", 1, "lotArea"), ("body", "data", 2, "street")}


async def test_only_a_hundred_errors_of_a_batch_are_listed_and_the_others_are_counted() -> None:
    empty = price_pb2.PredictBatchRequest(houses=[price_pb2.House() for _ in range(1_000)]).SerializeToString()
    with pytest.raises(InvalidDocument) as caught:
        await read_batch_request(empty, max_houses=1_000)
    assert len(caught.value.findings) == 100
    assert caught.value.omitted == 1_000 * len(REQUIRED) - 100


def test_houses_beyond_the_maximum_are_refused_before_any_is_parsed() -> None:
    with pytest.raises(InvalidDocument) as caught:
        # Millions of empty houses, each of 2 bytes.
        split_houses(b"\x0a\x00" * 2_000_000, max_houses=1_000)
    assert caught.value.findings[0]["type"] == "too_long"


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x05abcd", b"\x0a" + b"\xff" * 9, b"\x12\x00", b"\x08\x01"])
def test_a_malformed_batch_is_refused(message: bytes) -> None:
    with pytest.raises(InvalidDocument, match="errors"):
        split_houses(message, max_houses=10)
