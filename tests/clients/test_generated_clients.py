"""The generated clients cover the whole API, and their types and those of the examples are sound."""

import json
from pathlib import Path
from typing import Any

import pytest
from client_tools.collection import COLLECTION_NAME, requests_of
from client_tools.documents import api_document, each_operation

from .examples import check_python, compile_typescript, copied, typescript_project

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

OPERATIONS = {operation["operationId"] for _, _, operation in each_operation(api_document())}


def test_each_operation_is_a_function_of_the_python_client(clients: Path) -> None:
    modules = {path.stem for path in (clients / "python" / "housing_price_client" / "api").glob("*/*.py")}
    assert {name.replace("_", "") for name in modules - {"__init__"}} == {name.lower() for name in OPERATIONS}


def test_each_operation_is_a_function_of_the_typescript_client(clients: Path) -> None:
    functions = (clients / "typescript" / "src" / "sdk.gen.ts").read_text(encoding="utf-8")
    assert {name for name in OPERATIONS if f"export const {name} = " in functions} == OPERATIONS


def test_each_request_of_the_collection_checks_its_status(clients: Path) -> None:
    collection: dict[str, Any] = json.loads((clients / "postman" / COLLECTION_NAME).read_text(encoding="utf-8"))
    requests = list(requests_of(collection))
    assert len(requests) == len(OPERATIONS)
    for request in requests:
        (event,) = request["event"]
        assert "The status is documented" in event["script"]["exec"][0], request["name"]
        assert "auth" not in request["request"], request["name"]


WRONG = "wrong"
"""An example with wrong types. Without it, a client without types would pass every check."""


def test_types_of_the_python_client_and_of_its_examples_pass_mypy_strictly(clients: Path, tmp_path: Path) -> None:
    copied(tmp_path, "python", {})
    single = (tmp_path / "single.py").read_text(encoding="utf-8")
    wrong = tmp_path / f"{WRONG}.py"
    wrong.write_text(single.replace("answer.predicted_price", "answer.predicted_prize").replace("body=house", "body=1"))
    checked = check_python(clients, clients / "python" / "housing_price_client", tmp_path)
    errors = [line for line in checked.printed.splitlines() if ": error: " in line]
    assert all(line.startswith(str(wrong)) for line in errors), checked.printed
    assert 'has no attribute "predicted_prize"' in checked.printed
    assert 'expected "House"' in checked.printed


def test_types_of_the_typescript_client_and_of_its_examples_pass_tsc_strictly(clients: Path, tmp_path: Path) -> None:
    """`make clients` compiles the client itself with tsc."""
    project = typescript_project(clients, tmp_path / "project")
    copied(project, "typescript", {})
    single = (project / "single.ts").read_text(encoding="utf-8")
    wrong = single.replace("data.predictedPrice", "data.predictedPrize").replace("{ body }", "{ body: 1 }")
    (project / f"{WRONG}.ts").write_text(wrong, encoding="utf-8")
    checked = compile_typescript(project)
    errors = [line for line in checked.printed.splitlines() if ": error TS" in line]
    assert all(f"{WRONG}.ts(" in line for line in errors), checked.printed
    assert "'predictedPrize' does not exist" in checked.printed
    assert "'number' is not assignable to type 'House'" in checked.printed
    for config in (project / "tsconfig.json", clients / "typescript" / "tsconfig.json"):
        assert json.loads(config.read_text(encoding="utf-8"))["compilerOptions"]["strict"] is True
