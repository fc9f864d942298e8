"""The bodies of requests and responses that FastAPI does not see, because the operations read and write bytes."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from housing_price_orchestrator.interface.documents.body import JSON, NDJSON
from housing_price_orchestrator.interface.openapi import headers
from housing_price_orchestrator.interface.openapi.problem_responses import Responses
from housing_price_orchestrator.interface.openapi.views import RefusedLine, reference_to
from housing_price_orchestrator.interface.timeout import TIMEOUT_PARAMETER
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.price import PricedHouse

type Schema = dict[str, Any]


def body_of(view: type[BaseModel], example: Any, summary: str) -> dict[str, Any]:
    """Describe a JSON body with a working example, and the header with a time limit."""
    return {
        "parameters": [TIMEOUT_PARAMETER],
        "requestBody": request_body({JSON: content_of(reference_to(view), example, summary)}),
    }


def request_body(content: Mapping[str, Schema], description: str = "", *, required: bool = True) -> dict[str, Any]:
    """Describe a request body with the content of each media type."""
    described = {"description": description} if description else {}
    return {**described, "required": required, "content": dict(content)}


def content_of(schema: Schema, example: Any = None, summary: str = "") -> dict[str, Any]:
    """Describe the content of one media type, with an example unless that is None."""
    if example is None:
        return {"schema": schema}
    named = {"summary": summary} if summary else {}
    return {"schema": schema, "examples": {"example": {**named, "value": example}}}


def file_schema(media_type: str, description: str = "") -> Schema:
    """Describe a file.

    `format: binary` (OpenAPI 3.0) is the form that generators of clients understand; `contentMediaType` is that of
    OpenAPI 3.1.
    """
    described = {"description": description} if description else {}
    return {"type": "string", "format": "binary", "contentMediaType": media_type, **described}


def lines_schema(description: str, *views: type[BaseModel]) -> Schema:
    """Describe lines of JSON, each of which is one of `views`."""
    references = [reference_to(view) for view in views]
    line = references[0] if len(references) == 1 else {"oneOf": references}
    return {**file_schema(NDJSON, description), "contentSchema": line}


def stream_of_houses(example: Any, errors: Responses) -> dict[str, Any]:
    """Describe the streaming operation: one JSON document per line in both directions."""
    line = {key: value for key, value in example.items() if value is not None}
    names = "One `House` per line, by its keys or by the names of the survey (`MSSubClass`)."
    request = content_of(lines_schema("One `House` per line.", House), json.dumps(line) + "\n", "One house")
    answer = (
        "One `PricedHouse` or `RefusedLine` per line, in the order of the request. A refused line has the "
        "problem that the same house would get alone: its `status` is 413, 422 or one of 5xx."
    )
    response = lines_schema("One `PricedHouse` or `RefusedLine` per line.", PricedHouse, RefusedLine)
    return {
        "openapi_extra": {"parameters": [TIMEOUT_PARAMETER], "requestBody": request_body({NDJSON: request}, names)},
        "responses": {200: {"description": answer, "content": {NDJSON: {"schema": response}}}, **errors},
        "response_class": Response,
        "response_model": None,
    }


def file_responses(*media_types: str, report: Schema | None = None) -> Responses:
    """Describe the responses that are a file, or parts of one; or a `report`, as JSON."""
    files = {one: {"schema": file_schema(one)} for one in media_types}
    parts = files | {"multipart/byteranges": {"schema": file_schema("multipart/byteranges")}}
    whole = files | ({} if report is None else {JSON: {"schema": report}})
    return {
        200: {"description": "The file", "content": whole, "headers": headers.FILE},
        206: {
            "description": "The parts of the file that `Range` names",
            "content": parts,
            "headers": headers.FILE_PART,
        },
    }
