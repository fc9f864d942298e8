"""Lines of streams and files: houses by the keys of the API or by the names of the survey."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from factories import alias_of, house, house_bytes, house_json
from housing_price_orchestrator.interface.documents.lines import read_line, read_named_house
from housing_price_orchestrator.interface.documents.ndjson import MAX_SHORT_LINE_BYTES
from housing_price_orchestrator.interface.documents.streamed_houses import MIN_DETAILED_BYTES
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD, row_of
from housing_price_orchestrator.shared.errors import InvalidDocument
from housing_price_survey.columns import SURVEY_COLUMNS

NAME_OF_KEY = {alias_of(field): column for field, column in COLUMN_OF_FIELD.items()} | {"id": "Id"}
SPACED_NAME_OF_KEY = {column.key: column.spaced_name for column in SURVEY_COLUMNS} | {"id": "PID"}
MARK = b"\xef\xbb\xbf"


def named(names: dict[str, str] = NAME_OF_KEY, **changes: Any) -> bytes:
    document = {names.get(key, key): value for key, value in house_json(**changes).items()}
    return json.dumps(document).encode()


def findings_of(text: bytes, number: int = 7) -> list[tuple[str, tuple[Any, ...]]]:
    with pytest.raises(InvalidDocument) as error:
        read_line(text, number)
    return [(finding["type"], tuple(finding["loc"])) for finding in error.value.findings]


@pytest.mark.parametrize("text", [house_bytes(), named(), named(SPACED_NAME_OF_KEY), named(SalePrice=1)])
def test_a_house_is_the_same_by_the_keys_and_by_the_names_of_the_survey(text: bytes) -> None:
    read = read_line(text, 7)
    assert (read.id, row_of(read)) == (house().id, row_of(house()))


def test_a_house_without_an_id_gets_the_number_of_its_line() -> None:
    document = json.loads(named())
    del document["Id"]
    assert read_line(json.dumps(document).encode(), 7).id == 7


@pytest.mark.parametrize("number", ["9223372036854775807.0", "9223372036854775807"])
def test_an_id_is_exact(number: str) -> None:
    assert read_line(named(id="@").replace(b'"@"', number.encode()), 7).id == 2**63 - 1


def test_an_invalid_value_is_named_as_in_the_line() -> None:
    assert findings_of(named(street="x")) == [("literal_error", ("body", "Street"))]
    assert findings_of(named(SPACED_NAME_OF_KEY, firstFlrSf="1")) == [("float_type", ("body", "1st Flr SF"))]
    assert findings_of(house_bytes(street="x")) == [("literal_error", ("body", "street"))]
    assert findings_of(named(colour="red")) == [("extra_forbidden", ("body", "colour"))]


@pytest.mark.parametrize("text", [house_bytes(), named(), b"{}"])
def test_a_byte_order_mark_belongs_to_the_first_line_only(text: bytes) -> None:
    assert findings_of(MARK + text, 2) == [("json_invalid", ("body",))]
    if text != b"{}":
        assert read_line(MARK + text, 1).id == house().id


@pytest.mark.parametrize("text", [b'{"MSSubClass": 20, "MSSubClass": 20}', b'{"MSSubClass": NaN}', b'{"MSSubClass"'])
def test_a_line_that_is_not_strict_json_is_refused(text: bytes) -> None:
    assert findings_of(text)


def test_a_stream_of_invalid_lines_is_answered_line_by_line_in_bounded_space(api: TestClient) -> None:
    rows = 3_000
    answer = api.post(
        "/api/v1/price/predict/stream", content=b"{}\n" * rows, headers={"content-type": "application/x-ndjson"}
    )
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in answers] == list(range(1, rows + 1))
    assert len(answer.content) < MIN_DETAILED_BYTES + rows * MAX_SHORT_LINE_BYTES
    # The first answers list all errors; the last ones say how many they do not list.
    assert len(answers[0]["error"]["errors"]) == 46
    *listed, last = answers[-1]["error"]["errors"]
    assert last["ctx"]["omitted"] == 46 - len(listed)


def test_the_names_of_a_file_are_used_in_findings() -> None:
    with pytest.raises(InvalidDocument) as error:
        read_named_house(house_bytes(street="x"), {"street": "Road"})
    assert error.value.findings[0]["loc"] == ("body", "Road")
