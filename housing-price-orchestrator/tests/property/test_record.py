"""The fast way to read a house takes nothing that the contract refuses, and changes nothing."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from factories import alias_of, house_json, survey_houses
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import KEY_COUNT, HouseRecord
from strategies import house_documents

record = msgspec.json.Decoder(HouseRecord)

KEY = st.sampled_from([field.alias or name for name, field in House.model_fields.items()])
ODD_TEXT = st.sampled_from(
    [
        *("null", "true", "1.0", "1e2", "-0", "-0.0", "0", "2.5", "1e400", "NaN", "Infinity", "1" * 400, "20", "20.0"),
        *("2207", "9223372036854775807", "9223372036854775808", "[]", "{}", '""', '"None"', '"NA"', '"Pave"'),
        *(r'"\u0050ave"', r'"\ud800"'),
    ]
)
ANY_NUMBER = st.one_of(st.integers(), st.floats()).map(json.dumps)


def test_the_fields_are_those_of_the_house() -> None:
    assert HouseRecord.__struct_fields__ == tuple(House.model_fields)
    assert len(HouseRecord.__struct_fields__) == KEY_COUNT


def test_every_house_of_the_survey_is_taken() -> None:
    for document in survey_houses():
        taken: Any = record.decode(json.dumps(document))
        house = House.model_validate(document)
        assert (taken.id, row_of(taken)) == (house.id, row_of(house))


@given(house_documents)
def test_a_valid_house_with_all_its_keys_is_taken_with_the_same_values(document: dict[str, Any]) -> None:
    whole = {alias: document.get(alias) for alias in map(alias_of, House.model_fields)}
    taken: Any = record.decode(json.dumps(whole))
    house = House.model_validate_json(json.dumps(whole))
    assert (taken.id, row_of(taken)) == (house.id, row_of(house))


@given(st.dictionaries(KEY, st.one_of(ODD_TEXT, ANY_NUMBER), min_size=1, max_size=3))
def test_what_it_takes_the_contract_takes_with_the_same_values(odd: dict[str, str]) -> None:
    body = json.dumps(house_json())
    for key, text in odd.items():
        member = f'"{key}": {json.dumps(house_json()[key])}'
        assert member in body
        body = body.replace(member, f'"{key}": {text}')
    try:
        taken: Any = record.decode(body)
    except msgspec.DecodeError:
        return
    try:
        house = House.model_validate_json(body)
    except ValidationError as error:
        pytest.fail(f"the record takes what the contract refuses: {odd}: {error}")
    assert repr((taken.id, row_of(taken))) == repr((house.id, row_of(house)))
