"""The OpenAPI document matches the service, and its examples work."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from factories import REPOSITORY, batch_json, client_of, house_bytes, house_json, settings_for
from housing_price_orchestrator.app import create_app, openapi_document
from housing_price_orchestrator.interface.openapi.answer_labels import LABELS_OF_ANSWERS
from housing_price_orchestrator.interface.operations.scoring import PARQUET
from housing_price_orchestrator.interface.problems import PROBLEM_TYPES
from housing_price_orchestrator.shared.errors import (
    ComparablesOff,
    JobError,
    PredictionLogError,
    RangeNotSatisfiable,
    ValueUnsupported,
)
from housing_price_survey.titles import GROUP_TITLES
from servers import StubModelServer, hangs, says
from waiting import wait_until

DOCUMENT = json.loads(json.dumps(openapi_document()))
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
SNAPSHOT = REPOSITORY / "housing-price-orchestrator" / "openapi.json"

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
ESTIMATE = "/api/v1/valuation/estimate"

OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]

FIELDS = [
    (view, name)
    for view in ("House", "HouseBatch", "PricedHouse", "PricedBatch", "PriceInterval", "ModelName", "Problem", "Ready")
    for name in SCHEMAS[view]["properties"]
]


def test_openapi_json_is_up_to_date() -> None:
    # To regenerate it: uv run housing-price-orchestrator openapi > housing-price-orchestrator/openapi.json
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == DOCUMENT


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its reference resolved."""
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return resolved(SCHEMAS[schema["$ref"].rpartition("/")[2]]) | beside


def kinds_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of a value's alternatives, without null."""
    schema = resolved(schema)
    options = [kind for option in schema.get("anyOf", [schema]) for kind in ([resolved(option)])]
    return [option for option in options if option.get("type") != "null"]


def test_every_reference_resolves() -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    components = {f"#/components/{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named}
    assert set(references(DOCUMENT)) <= components


@pytest.mark.parametrize(("view", "name"), FIELDS)
def test_every_field_has_a_description(view: str, name: str) -> None:
    assert SCHEMAS[view]["properties"][name].get("description")


@pytest.mark.parametrize("name", [name for view, name in FIELDS if view == "House" and name != "id"])
def test_every_feature_has_an_enum_or_a_unit_and_bounds(name: str) -> None:
    for kind in kinds_of(SCHEMAS["House"]["properties"][name]):
        assert "enum" in kind or {"x-unit", "minimum", "maximum"} <= kind.keys()


@pytest.mark.parametrize("view", ["House", "HouseFacts"])
@pytest.mark.parametrize("name", [name for view, name in FIELDS if view == "House" and name != "id"])
def test_every_feature_has_a_title_a_group_and_labels_or_a_unit(view: str, name: str) -> None:
    field = SCHEMAS[view]["properties"][name]
    assert field["title"]
    assert field["x-group"] in SCHEMAS[view]["x-groups"]
    assert field.keys() <= {"$ref", "anyOf", "default", "description", "title", "x-group", "x-unit", "x-blank-label"}
    for kind in kinds_of(field):
        if "enum" in kind:
            assert kind["x-enum-labels"].keys() == {str(value) for value in kind["enum"]}
            assert kind["x-enumDescriptions"] == kind["x-enum-labels"]
            assert "x-unit" not in field
        else:
            assert field["x-unit"] == kind["x-unit"]


def test_the_groups_are_in_the_order_in_which_they_are_shown() -> None:
    for view in ("House", "HouseFacts"):
        assert list(SCHEMAS[view]["x-groups"].items()) == list(GROUP_TITLES.items())
    assert SCHEMAS["FeatureGroup"]["x-enum-labels"] == dict(GROUP_TITLES)
    assert SCHEMAS["FeatureGroup"]["enum"] == list(GROUP_TITLES)


def enums_in(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The lists of words in a part of the document, by their paths; examples are values, not descriptions."""
    if isinstance(node, dict):
        if isinstance(node.get("enum"), list):
            yield path, node
        for key, value in node.items():
            if key not in {"example", "examples"}:
                yield from enums_in(value, f"{path}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from enums_in(value, f"{path}/{place}")


def test_every_list_of_words_has_a_label_for_each_word() -> None:
    found = dict(enums_in(DOCUMENT))
    assert {"/components/schemas/Confidence", "/components/schemas/Neighborhood"} <= found.keys()
    unlabelled = {
        path: kind["enum"]
        for path, kind in found.items()
        if {str(word) for word in kind["enum"]} != kind.get("x-enum-labels", {}).keys()
    }
    assert unlabelled == {}
    assert all(label.strip() for kind in found.values() for label in kind["x-enum-labels"].values())
    assert all(kind["x-enumDescriptions"] == kind["x-enum-labels"] for kind in found.values())


@pytest.mark.parametrize("kind", LABELS_OF_ANSWERS, ids=lambda kind: str(kind.__name__))
def test_words_of_answers_have_the_labels_of_the_table(kind: Any) -> None:
    schema = SCHEMAS[kind.__name__]
    assert list(schema["x-enum-labels"].items()) == list(LABELS_OF_ANSWERS[kind].items())
    assert schema["enum"] == list(LABELS_OF_ANSWERS[kind])


def test_values_are_labelled_for_people() -> None:
    assert SCHEMAS["Confidence"]["x-enum-labels"]["high"] == "High"
    assert SCHEMAS["ValueMethod"]["x-enum-labels"]["price"] == "Predicted price alone"
    assert SCHEMAS["Neighborhood"]["x-enum-labels"]["NAmes"] == "North Ames"
    assert SCHEMAS["MsSubClass"]["x-enum-labels"]["20"] == "1-story, 1946 and newer"
    assert list(SCHEMAS["Grade"]["x-enum-labels"].values()) == ["Excellent", "Good", "Typical", "Fair", "Poor"]
    assert SCHEMAS["Rating"]["x-enum-labels"]["10"] == "Very excellent"
    assert SCHEMAS["Month"]["x-enum-labels"]["1"] == "January"
    house = SCHEMAS["House"]["properties"]
    assert (house["grLivArea"]["title"], house["grLivArea"]["x-unit"]) == ("Living area above ground", "square feet")
    assert (house["garageYrBlt"]["x-blank-label"], house["garageYrBlt"]["x-group"]) == ("No garage", "garage")
    assert "x-blank-label" not in house["lotFrontage"]


@pytest.mark.parametrize("view", ["PricedHouse", "PriceInterval"])
def test_every_price_is_in_dollars(view: str) -> None:
    numbers = {
        name: kind
        for name, field in SCHEMAS[view]["properties"].items()
        for kind in kinds_of(field)
        if kind.get("type") == "number" and name != "level"
    }
    assert numbers
    assert all(kind["x-unit"] == "USD" for kind in numbers.values())


def test_a_field_is_nullable_exactly_if_it_is_optional() -> None:
    house = SCHEMAS["House"]
    nullable = {
        name
        for name, field in house["properties"].items()
        if any(resolved(option).get("type") == "null" for option in field.get("anyOf", []))
    }
    assert nullable == set(house["properties"]) - set(house["required"])


@pytest.mark.parametrize("view", ["House", "HouseBatch"])
def test_unknown_keys_are_declared_as_invalid(view: str) -> None:
    assert SCHEMAS[view]["additionalProperties"] is False


def test_the_size_of_a_batch_is_declared() -> None:
    data = SCHEMAS["HouseBatch"]["properties"]["data"]
    assert (data["minItems"], data["maxItems"]) == (1, 10_000)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_operation_has_an_id_a_summary_and_a_description(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]


def test_operation_ids_are_unique() -> None:
    names = [DOCUMENT["paths"][path][method]["operationId"] for path, method in OPERATIONS]
    assert len(set(names)) == len(names)


def test_prediction_log_responses_match_their_schemas(logged_api: TestClient) -> None:
    transaction_id = logged_api.post(PREDICT, content=house_bytes()).json()["transactionId"]
    one, found = f"/api/v1/predictions/{transaction_id}", "/api/v1/predictions"
    wait_until(lambda: logged_api.get(one).status_code == 200, "it was not logged")
    actual = {"data": [{"transactionId": transaction_id, "salePrice": 1e5}, {"id": 7, "salePrice": 1}]}
    told = logged_api.post("/api/v1/price/actuals", json=actual)
    asked = {
        ("/api/v1/predictions/{transactionId}", "get"): logged_api.get(one),
        (found, "get"): logged_api.get(found),
        ("/api/v1/price/actuals", "post"): told,
        ("/api/v1/price/actuals/errors", "get"): logged_api.get("/api/v1/price/actuals/errors"),
    }
    for (path, method), answer in asked.items():
        assert answer.status_code == 200, path
        validator_of(path, method, 200, "application/json").validate(answer.json())


STATUSES_OF_PRICING = sorted(
    {
        answer.status
        for error, answer in PROBLEM_TYPES.items()
        if not issubclass(
            error, PredictionLogError | JobError | ValueUnsupported | RangeNotSatisfiable | ComparablesOff
        )
    }
    | {200, 500}
)


@pytest.mark.parametrize("path", [PREDICT, BATCH, "/api/v1/valuation", "/api/v1/valuation/batch"])
@pytest.mark.parametrize("status", STATUSES_OF_PRICING)
def test_every_status_of_pricing_is_declared(path: str, status: int) -> None:
    response = DOCUMENT["paths"][path]["post"]["responses"][str(status)]
    assert response["description"]
    kind = "application/json" if status in {200, 422} else "application/problem+json"
    assert list(response["content"]) == [kind]
    assert ("Retry-After" in response.get("headers", {})) == (status in {429, 503})


EXAMPLES = [
    (path, media_type, name, example["value"])
    for path, method in OPERATIONS
    for media_type, content in DOCUMENT["paths"][path][method].get("requestBody", {"content": {}})["content"].items()
    for name, example in content.get("examples", {}).items()
]


def test_each_operation_with_a_body_of_text_has_an_example() -> None:
    """Parquet has none: it is no text."""
    with_body = {
        path
        for path, method in OPERATIONS
        if DOCUMENT["paths"][path][method].get("requestBody", {"content": {}})["content"].keys() - {PARQUET}
    }
    assert {path for path, *_ in EXAMPLES} == with_body >= {PREDICT, BATCH}


@pytest.mark.parametrize(("path", "media_type", "name", "value"), EXAMPLES)
def test_every_example_works_unchanged(
    logged_api: TestClient, path: str, media_type: str, name: str, value: Any
) -> None:
    body = value if isinstance(value, str) else json.dumps(value)
    answer = logged_api.post(path.replace("{version}", "1"), content=body, headers={"content-type": media_type})
    assert answer.status_code in {200, 202}, name
    assert any(word in answer.text for word in ("predictedPrice", "stored", "queued", "assumed"))


def validator_of(path: str, method: str, status: int, media_type: str) -> Any:
    schema = DOCUMENT["paths"][path][method]["responses"][str(status)]["content"][media_type]["schema"]
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


STATUSES_OF_ESTIMATES = sorted({*STATUSES_OF_PRICING, PROBLEM_TYPES[ComparablesOff].status})


@pytest.mark.parametrize("status", STATUSES_OF_ESTIMATES)
def test_every_status_of_estimates_is_declared(status: int) -> None:
    assert DOCUMENT["paths"][ESTIMATE]["post"]["responses"][str(status)]["description"]


def test_estimates_and_their_problems_match_their_schemas(logged_api: TestClient, api: TestClient) -> None:
    (facts,) = (value for path, _, _, value in EXAMPLES if path == ESTIMATE)
    answers = {
        200: logged_api.post(ESTIMATE, json=facts),
        422: logged_api.post(ESTIMATE, json={**facts, "lotArea": None}),
        404: api.post(ESTIMATE, json=facts),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        validator_of(ESTIMATE, "post", status, answer.headers["content-type"]).validate(answer.json())


def test_the_service_rejects_what_the_schema_of_facts_rejects(logged_api: TestClient) -> None:
    (facts,) = (value for path, _, _, value in EXAMPLES if path == ESTIMATE)
    schema = DOCUMENT["paths"][ESTIMATE]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})
    assert validator.is_valid(facts)
    assert validator.is_valid({**facts, "alley": None})
    for changes in ({"lotArea": None}, {"yearBuilt": None}, {"alley": "NA"}, {"extra": 1}, {"fullBath": 0.5}):
        assert not validator.is_valid(facts | changes), changes
        assert logged_api.post(ESTIMATE, json=facts | changes).status_code == 422, changes


REQUESTS = {
    "a price": (PREDICT, house_json(), 200),
    "a batch": (BATCH, batch_json([house_json(id=1), house_json(id=2)]), 200),
    "a wrong word": (PREDICT, house_json(street="Dummy"), 422),
    "everything wrong": (PREDICT, {"street": [], "x": None, "lotArea": "1", "moSold": 1.5}, 422),
    "no document": (BATCH, 17, 422),
    "many errors": (BATCH, batch_json([house_json(street=None)] * 150), 422),
}


@pytest.mark.parametrize(("path", "document", "status"), REQUESTS.values(), ids=REQUESTS)
def test_pricing_responses_match_their_schemas(api: TestClient, path: str, document: Any, status: int) -> None:
    answer = api.post(path, json=document)
    assert answer.status_code == status
    validator_of(path, "post", status, answer.headers["content-type"]).validate(answer.json())


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/api/v1/vocabulary"])
def test_service_responses_match_their_schemas(api: TestClient, path: str) -> None:
    answer = api.get(path)
    validator_of(path, "get", answer.status_code, answer.headers["content-type"]).validate(answer.json())


@pytest.mark.parametrize(("said", "status"), [(500, 502), (503, 503), (400, 502), (429, 503)])
def test_problem_documents_match_their_schemas(api: TestClient, stub: StubModelServer, said: int, status: int) -> None:
    stub.behaviour = says(said)
    answer = api.post(PREDICT, content=house_bytes())
    assert answer.status_code == status
    validator_of(PREDICT, "post", status, answer.headers["content-type"]).validate(answer.json())


def test_the_service_rejects_what_the_house_schema_rejects(api: TestClient) -> None:
    schema = DOCUMENT["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})
    assert validator.is_valid(house_json())
    for changes in (
        {"street": "Dummy"},
        {"street": None},
        {"lotArea": "8450"},
        {"lotArea": -1},
        {"fullBath": 2.5},
        {"extra": 1},
        {"id": 0},
        {"id": 2**63},
        {"overallQual": 11},
    ):
        assert not validator.is_valid(house_json(**changes)), changes
        assert api.post(PREDICT, json=house_json(**changes)).status_code == 422, changes


def test_readiness_with_a_hanging_model_server_matches_its_schema(stub: StubModelServer, start_app: Any) -> None:
    stub.behaviour = hangs
    api = start_app(stub.url)
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    problem = answer.json()
    assert problem["missing"]
    validator_of("/readyz", "get", 503, "application/problem+json").validate(problem)


def test_the_document_names_the_server_that_serves_it_and_the_path_prefix_that_a_proxy_strips(api: TestClient) -> None:
    assert isinstance(api.app, FastAPI)
    behind = client_of(api.app, root_path="/prices")
    for url, served in {
        "/": api.get("/openapi.json").json(),
        "/prices": behind.get("/prices/openapi.json").json(),
    }.items():
        (server,) = served["servers"]
        assert server["url"] == url
        assert {**served, "servers": DOCUMENT["servers"]} == DOCUMENT


@pytest.mark.parametrize(
    ("groups", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"server": {"host": "::1", "port": 9000}}, "http://[::1]:9000"),
    ],
)
def test_a_document_in_a_file_names_the_address_of_the_service(groups: dict[str, Any], url: str) -> None:
    (server,) = create_app(settings_for("http://127.0.0.1:1", **groups)).openapi()["servers"]
    assert server["url"] == url


@pytest.mark.parametrize(
    ("address", "contact"),
    [
        ("", {"name": "The housing-price maintainers"}),
        ("help@example.com", {"name": "The operator of this service", "email": "help@example.com"}),
        ("https://example.com/@help", {"name": "The operator of this service", "url": "https://example.com/@help"}),
    ],
)
def test_the_document_names_whom_callers_ask(address: str, contact: dict[str, str]) -> None:
    app = create_app(settings_for("http://127.0.0.1:1", docs={"contact": address}))
    assert app.openapi()["info"]["contact"] == contact


def test_every_tag_is_described_and_used() -> None:
    described = [tag["name"] for tag in DOCUMENT["tags"]]
    used = [tag for path, method in OPERATIONS for tag in DOCUMENT["paths"][path][method]["tags"]]
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert sorted(described) == sorted(set(used))


BINARY = [
    (path, media_type, content["schema"])
    for path, method in OPERATIONS
    for part in (
        DOCUMENT["paths"][path][method].get("requestBody", {}),
        *DOCUMENT["paths"][path][method]["responses"].values(),
    )
    for media_type, content in part.get("content", {}).items()
    if "json" not in media_type.replace("ndjson", "") and media_type != "text/plain"
]


def test_files_and_streams_are_typed_as_binary() -> None:
    found = {(path.rpartition("/")[2], media_type) for path, media_type, _ in BINARY}
    assert {("scoring", "text/csv"), ("stream", "application/x-ndjson"), ("refused", "multipart/byteranges")} <= found
    for path, media_type, schema in BINARY:
        assert schema["format"] == "binary", path
        assert schema["contentMediaType"] == media_type, path


def test_titles_are_words() -> None:
    titles = {
        (name, field["title"])
        for schema in SCHEMAS.values()
        for name, field in schema.get("properties", {}).items()
        if "title" in field
    }
    titles |= {
        (one["name"], one["schema"]["title"])
        for path, method in OPERATIONS
        for one in DOCUMENT["paths"][path][method].get("parameters", ())
        if "title" in one["schema"]
    }
    assert {("rowsPriced", "Rows priced"), ("p50Seconds", "P50 seconds"), ("modelId", "Model ID")} <= titles
    # A name of several words has spaces in its title; headers keep their names.
    assert not [name for name, title in titles if title.lower() == name.lower() != name and "-" not in name]


def test_schemas_are_named_after_what_they_describe() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]+", name) for name in SCHEMAS)
    assert all(schema.get("title", name) == name for name, schema in SCHEMAS.items() if schema.get("type") == "object")
