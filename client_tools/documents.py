"""The OpenAPI document as the generators need it.

The served document describes everything that the API accepts and answers. Each generator knows only a part of OpenAPI,
so some descriptions are narrowed here, for the generators alone.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "housing-price-orchestrator" / "openapi.json"

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"

_SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def api_document() -> dict[str, Any]:
    """Return the committed document, which a test of the API compares with the served one.

    Raises:
        OSError: The document cannot be read.
    """
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return document


def for_clients(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document for generators of clients."""
    narrowed = copy.deepcopy(dict(document))
    operations = operations_of(narrowed)
    # Of several types, generators choose one, or send each file as the last one. Files have operations of their own.
    orders = operations["submitScoring"]["requestBody"]["content"]
    operations["submitScoring"]["requestBody"]["content"] = {JSON: orders[JSON]}
    # A result is a file, or a report that can be read from the bytes of a file. Generators allow one type for a status.
    results = operations["getJobResult"]["responses"]["200"]["content"]
    operations["getJobResult"]["responses"]["200"]["content"] = {
        media_type: content for media_type, content in results.items() if media_type != JSON
    }
    # The committed document is that of a service without keys. Clients can send one, wherever it is required.
    narrowed["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for operation in operations.values():
        if "x-scopes" in operation:
            operation["security"] = [{scheme: []} for scheme in _SECURITY_SCHEMES]
        for response in operation["responses"].values():
            _join_errors(response)
    return narrowed


def for_python(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document for the Python client: with required keys, its functions would reject `Client`."""
    narrowed = for_clients(document)
    for operation in operations_of(narrowed).values():
        operation.pop("security", None)
    return narrowed


def _join_errors(response: dict[str, Any]) -> None:
    """Describe an error that has two media types as one type: generators drop the second one, and fail on it."""
    content = response.get("content", {})
    if content.keys() == {JSON, PROBLEM}:
        response["content"] = {JSON: {"schema": {"anyOf": [content[PROBLEM]["schema"], content[JSON]["schema"]]}}}


def operations_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations of a document by their ids."""
    return {operation["operationId"]: operation for _, _, operation in each_operation(document)}


def each_operation(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
