"""Completes the Postman collection: an address, a key, checks, and ids that requests hand on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from client_tools.documents import each_operation
from client_tools.tools import TOOLS, ToolError

COLLECTION_NAME: Final = "housing-price.postman_collection.json"

_VARIABLES: Final = ("apiKey", "transactionId", "jobId")
_VARIABLE_OF_PATH: Final = {"transactionId": "transactionId", "id": "jobId"}
"""The collection's variable for each id in a path; a script of an earlier request sets it."""
_SCRIPTS: Final = TOOLS / "postman"
"""Scripts that run after a request, named after its operation."""


def complete(collection: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the collection with variables, authorization and checks.

    Raises:
        ToolError: The collection lacks an operation, or has one that the document lacks.
    """
    operations = {(method.upper(), path): operation for path, method, operation in each_operation(document)}
    requests = {_place_of(item["request"]): item for item in requests_of(collection)}
    if requests.keys() != operations.keys():
        raise ToolError(f"the collection and the document differ in {requests.keys() ^ operations.keys()}")
    for place, item in requests.items():
        _complete_request(item, operations[place])
    variables = {"baseUrl": document["servers"][0]["url"], **dict.fromkeys(_VARIABLES, "")}
    return collection | {
        # An empty key is sent too; a service that needs none ignores it.
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{apiKey}}", "type": "string"}]},
        "variable": [{"key": name, "value": value} for name, value in variables.items()],
    }


def requests_of(folder: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the requests of a collection or of one of its folders, in the order in which they run."""
    for item in folder["item"]:
        if "item" in item:
            yield from requests_of(item)
        else:
            yield item


def _place_of(request: Mapping[str, Any]) -> tuple[str, str]:
    parts = [f"{{{part[1:]}}}" if part.startswith(":") else part for part in request["url"].get("path", [])]
    return request["method"], "/" + "/".join(parts)


def _complete_request(item: dict[str, Any], operation: Mapping[str, Any]) -> None:
    request = item["request"]
    # Without a value of its own, a request uses the authorization of the collection.
    del request["auth"]
    for variable in request["url"]["variable"]:
        if name := _VARIABLE_OF_PATH.get(variable["key"]):
            variable["value"] = f"{{{{{name}}}}}"
    statuses = [int(status) for status in operation["responses"]]
    lines = [
        'pm.test("The status is documented", () => {',
        f"  pm.expect(pm.response.code).to.be.oneOf({json.dumps(statuses)});",
        "});",
    ]
    script = _SCRIPTS / f"{operation['operationId']}.js"
    if script.exists():
        lines += script.read_text(encoding="utf-8").splitlines()
    item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": lines}}]
