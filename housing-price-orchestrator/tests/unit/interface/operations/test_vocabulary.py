"""`GET /api/v1/vocabulary`: every feature in words for people, without a key, and cacheable."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import new_key
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_survey.columns import FEATURE_GROUPS
from servers import StubModelServer

PATH = "/api/v1/vocabulary"
FEATURES = [field for field in house_fields() if field.name != "id"]


@pytest.fixture
def fields(api: TestClient) -> dict[str, dict[str, Any]]:
    return {field["key"]: field for field in api.get(PATH).json()["fields"]}


def test_the_groups_have_titles_and_stand_in_the_order_in_which_they_are_shown(api: TestClient) -> None:
    groups = api.get(PATH).json()["groups"]
    assert [group["key"] for group in groups] == list(FEATURE_GROUPS)
    assert {"key": "kitchenAndBaths", "title": "Kitchen and baths"} in groups


def test_a_feature_with_words_is_described(fields: dict[str, dict[str, Any]]) -> None:
    assert fields["alley"] == {
        "key": "alley",
        "title": "Alley access",
        "description": "The type of alley access to the property; null if there is none.",
        "group": "lot",
        "kind": "text",
        "unit": None,
        "nullable": True,
        "blank": "No alley access",
        "minimum": None,
        "maximum": None,
        "values": [{"value": "Pave", "label": "Paved"}, {"value": "Grvl", "label": "Gravel"}],
    }


def test_codes_and_numbers_are_described(fields: dict[str, dict[str, Any]]) -> None:
    assert {"value": 20, "label": "1-story, 1946 and newer"} in fields["msSubClass"]["values"]
    assert fields["overallQual"]["values"][0] == {"value": 10, "label": "Very excellent"}
    area = fields["grLivArea"]
    assert (area["title"], area["unit"], area["values"]) == ("Living area above ground", "square feet", [])
    assert (area["kind"], area["nullable"], area["minimum"], area["maximum"]) == ("number", False, 0, 20_000)


def test_the_features_stand_in_the_order_of_a_house(fields: dict[str, dict[str, Any]]) -> None:
    assert list(fields) == [field.key for field in FEATURES]


def test_every_accepted_word_is_listed_with_its_label(fields: dict[str, dict[str, Any]]) -> None:
    for field in FEATURES:
        listed = fields[field.key]
        assert {value["value"]: value["label"] for value in listed["values"]} == dict(field.labels), field.key
        assert {value["value"] for value in listed["values"]} >= set(field.words), field.key
        assert bool(field.words) is (listed["unit"] is None), field.key


def test_every_word_of_an_answer_is_listed_with_its_label(api: TestClient) -> None:
    answers = {one["name"]: one["values"] for one in api.get(PATH).json()["answers"]}
    assert answers["Confidence"] == [
        {"value": "high", "label": "High"},
        {"value": "medium", "label": "Medium"},
        {"value": "low", "label": "Low"},
    ]
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    for name, values in answers.items():
        assert [one["value"] for one in values] == schemas[name]["enum"], name
        assert {one["value"]: one["label"] for one in values} == schemas[name]["x-enum-labels"], name


def test_a_current_copy_is_not_sent_again(api: TestClient) -> None:
    first = api.get(PATH)
    assert first.headers["cache-control"] == "public, max-age=3600"
    etag = first.headers["etag"]
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = api.get(PATH, headers={"if-none-match": condition})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), condition
    for condition in ('"other"', etag.strip('"'), "", "W/*"):
        answer = api.get(PATH, headers={"if-none-match": condition})
        assert (answer.status_code, answer.content) == (200, first.content), condition


def test_head_answers_without_the_content(api: TestClient) -> None:
    answer = api.head(PATH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(api.get(PATH).content))


def test_no_key_is_needed_where_keys_are_required(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    keys_file = tmp_path / "keys.json"
    new_key(keys_file, "predict")
    api = start_app(stub.url, auth={"keys_file": keys_file})
    assert api.get("/api/v1/predictions").status_code == 401
    assert api.get(PATH).status_code == 200


def test_the_service_links_to_it(api: TestClient) -> None:
    assert api.get("/").json()["links"]["vocabulary"] == PATH
