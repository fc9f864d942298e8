"""Each error response of the OpenAPI document has examples, and they are what the service answers."""

import copy
import json
from typing import Any

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient

from housing_price_orchestrator.app import openapi_document
from housing_price_orchestrator.interface.problems import INTERNAL_ERROR, NOT_READY, PROBLEM_TYPES, problem_urn

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi_document()))
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ERRORS = [
    (name, status, media_type)
    for name, (_, _, operation) in OPERATIONS.items()
    for status, response in operation["responses"].items()
    if status >= "400"
    for media_type in response["content"]
]
INVALID = [name for name, status, media_type in ERRORS if (status, media_type) == ("422", "application/json")]
TITLES = {problem_urn(one): one.title for one in (*PROBLEM_TYPES.values(), INTERNAL_ERROR, NOT_READY)}
NO_EXAMPLE = {"example": {"value": "PAR1"}}
PATH_PARAMETERS = {"{version}": "1", "{id}": "01a1fd1c03f570008cab457000000000"}


def examples_of(name: str, status: str, media_type: str) -> list[Any]:
    """The examples of an error response, with references resolved."""
    content = OPERATIONS[name][2]["responses"][status]["content"][media_type]
    found = content["examples"].values()
    shared = DOCUMENT["components"]["examples"]
    return [(shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one)["value"] for one in found]


@pytest.mark.parametrize(("name", "status", "media_type"), ERRORS)
def test_every_error_response_has_examples_that_match_its_schema(name: str, status: str, media_type: str) -> None:
    response = OPERATIONS[name][2]["responses"][status]
    schema = response["content"][media_type]["schema"]
    validator = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})
    examples = examples_of(name, status, media_type)
    assert examples
    for example in examples:
        validator.validate(example)
        if media_type == "application/problem+json":
            assert str(example["status"]) == status
            assert example["title"] == TITLES[example["type"]]
            assert example["title"] in response["description"]
            # No template is left unfilled.
            assert "{" not in example["detail"]


def test_each_shared_example_is_used() -> None:
    used = json.dumps(DOCUMENT["paths"])
    shared = DOCUMENT["components"]["examples"]
    assert len(shared) > 20
    assert all(f'"#/components/examples/{name}"' in used for name in shared)


@pytest.mark.parametrize("name", INVALID)
def test_the_example_of_an_invalid_request_is_the_answer_to_it(logged_api: TestClient, name: str) -> None:
    (expected,) = examples_of(name, "422", "application/json")
    method, path, operation = OPERATIONS[name]
    body = _valid_body(operation)
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    for finding in expected["detail"]:
        place, *keys = finding["loc"]
        if place == "body":
            _set(body, keys, finding["input"])
        elif place == "path":
            path = path.replace(f"{{{keys[0]}}}", finding["input"])
        else:
            {"query": query, "header": headers}[place][keys[0]] = finding["input"]
    for parameter, value in PATH_PARAMETERS.items():
        path = path.replace(parameter, value)
    media_type = next(iter(operation.get("requestBody", {"content": {"": None}})["content"]))
    headers["content-type"] = "application/json" if isinstance(body, dict) else media_type
    content = json.dumps(body) if isinstance(body, dict) else body
    answer = logged_api.request(method, path, params=query, headers=headers, content=content)
    assert (answer.status_code, answer.json()) == (422, expected)


def _valid_body(operation: dict[str, Any]) -> Any:
    """Return a copy of the example of the request: of JSON where it is among several types."""
    content = operation.get("requestBody", {}).get("content", {})
    described = content.get("application/json") or next(iter(content.values()), None)
    return None if described is None else copy.deepcopy(described.get("examples", NO_EXAMPLE)["example"]["value"])


def _set(body: Any, keys: list[Any], value: Any) -> None:
    for key in keys[:-1]:
        body = body[key]
    body[keys[-1]] = value
