"""The examples of docs/clients.md and the Postman collection, against real services."""

import csv
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_tools.collection import COLLECTION_NAME
from client_tools.documents import api_document, each_operation
from client_tools.tools import PYTHON_PROGRAMS

from ..documents import REPOSITORY
from .conftest import Stack
from .examples import (
    ADDRESS,
    KEY,
    Ran,
    compile_typescript,
    copied,
    run,
    run_newman,
    run_node,
    run_python,
    typescript_project,
)

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

PRICE = "/api/v1/price/predict"
HOUSE = json.loads((REPOSITORY / "examples" / "request-1461.json").read_text(encoding="utf-8"))
EXPECTED_REFUSALS = {
    "submitScoring": 422,  # the example names a store that is not allowed here
    "cancelJob": 409,  # the run has waited for the end of the job
}
PYTHON, TYPESCRIPT, JAVASCRIPT, CURL, POWERSHELL = "python", "typescript", "javascript", "curl", "powershell"


@dataclass(frozen=True)
class Examples:
    """The examples, with the address and the key of the running services."""

    folder: Path
    clients: Path

    def run(self, language: str, name: str) -> Ran:
        """Run the example of a language with this name."""
        match language:
            case "python":
                return run_python(self.clients, self.folder / language / f"{name}.py")
            case "typescript":
                return run_node(self.folder / language / "build" / f"{name}.js")
            case "javascript":
                return run_node(self.folder / language / f"{name}.mjs")
            case "curl":
                return run("bash", self.folder / language / f"{name}.sh")
            case _:
                return run("pwsh", "-NoProfile", "-File", self.folder / language / f"{name}.ps1")


@pytest.fixture(scope="session")
def examples(clients: Path, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """All examples, ready to run."""
    folder = tmp_path_factory.mktemp("examples")
    typescript_project(clients, folder / TYPESCRIPT)
    for language in (PYTHON, TYPESCRIPT, JAVASCRIPT, CURL, POWERSHELL):
        (folder / language).mkdir(exist_ok=True)
        for copy in copied(folder / language, language, {KEY: stack.key}):
            url = stack.limited_url if copy.stem == "retry" else stack.url
            copy.write_text(copy.read_text(encoding="utf-8").replace(ADDRESS, url), encoding="utf-8")
    # Otherwise each example would compile the client anew where PYTHONDONTWRITEBYTECODE is set.
    assert run(PYTHON_PROGRAMS / "python", "-m", "compileall", "-q", clients / "python").status == 0
    compiled = compile_typescript(folder / TYPESCRIPT)
    assert compiled.status == 0, compiled.printed
    return Examples(folder, clients)


@pytest.fixture(scope="session")
def price(stack: Stack) -> dict[str, Any]:
    """The answer for the house of the examples, requested without any client."""
    answer = httpx.post(f"{stack.url}{PRICE}", json=HOUSE, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_a_single_house(examples: Examples, price: dict[str, Any], language: str) -> None:
    interval = price["priceInterval"]
    assert examples.run(language, "single").numbers == [price["predictedPrice"], interval["low"], interval["high"]]


def test_a_single_house_with_curl(examples: Examples, price: dict[str, Any]) -> None:
    ran = examples.run(CURL, "single")
    assert json.loads(ran.printed)["predictedPrice"] == price["predictedPrice"], ran.errors


def test_a_single_house_with_python_alone(examples: Examples, price: dict[str, Any]) -> None:
    assert examples.run(PYTHON, "plain").numbers == [price["predictedPrice"]]


def test_a_single_house_with_javascript_alone(examples: Examples, price: dict[str, Any]) -> None:
    assert examples.run(JAVASCRIPT, "single").numbers == [price["predictedPrice"]]


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="PowerShell 7 (`pwsh`) is not installed")
def test_a_single_house_with_powershell(examples: Examples, price: dict[str, Any]) -> None:
    interval = price["priceInterval"]
    assert examples.run(POWERSHELL, "single").numbers == [price["predictedPrice"], interval["low"], interval["high"]]


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_a_batch(examples: Examples, price: dict[str, Any], language: str) -> None:
    assert examples.run(language, "batch").numbers == [HOUSE["id"], price["predictedPrice"]] * 2


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_a_stream(examples: Examples, price: dict[str, Any], language: str) -> None:
    ran = examples.run(language, "stream")
    answers = [json.loads(line) for line in ran.printed.splitlines()]
    assert [answer["id"] for answer in answers] == [1, 2, 3], ran.errors
    assert {answer["predictedPrice"] for answer in answers} == {price["predictedPrice"]}


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT, CURL])
def test_a_csv_file(examples: Examples, price: dict[str, Any], language: str) -> None:
    """The file holds three houses, and one that is refused; the second is that of the other examples."""
    ran = examples.run(language, "job")
    rows = list(csv.DictReader(io.StringIO(ran.printed.strip())))
    assert [row["id"] for row in rows] == ["1", "2", "3"], ran.errors
    assert float(rows[1]["predictedPrice"]) == price["predictedPrice"]


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_findings_about_a_request(examples: Examples, language: str) -> None:
    ran = examples.run(language, "problems")
    assert ran.status == 0, ran.errors
    (line,) = ran.printed.splitlines()
    assert "lotArea" in line
    assert "greater than or equal to" in line


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_a_problem_names_its_status_and_title(examples: Examples, stack: Stack, language: str) -> None:
    """The same example at an API that requires a key."""
    suffix = ".py" if language == PYTHON else ".js"
    folder = examples.folder / language / ("" if language == PYTHON else "build")
    example = folder / f"problems{suffix}"
    keyless = example.with_stem("problems-without-key")
    keyless.write_text(example.read_text(encoding="utf-8").replace(stack.url, stack.limited_url), encoding="utf-8")
    ran = run_python(examples.clients, keyless) if language == PYTHON else run_node(keyless)
    assert ran.status == 0, ran.errors
    assert ran.printed.startswith("401 Authentication required")


@pytest.mark.parametrize("language", [PYTHON, TYPESCRIPT])
def test_a_client_waits_for_retry_after_and_sends_its_key(
    examples: Examples, stack: Stack, price: dict[str, Any], language: str
) -> None:
    refused = refusals(stack)
    assert examples.run(language, "retry").numbers == [1, price["predictedPrice"], 2, price["predictedPrice"]]
    assert refusals(stack) > refused


def refusals(stack: Stack) -> int:
    """Return how many requests for prices the limited API has refused with 429."""
    counted = httpx.get(f"{stack.limited_url}/metrics", trust_env=False).text.splitlines()
    of_429 = (line for line in counted if line.startswith("housing_price_request_duration_seconds_count"))
    return sum(int(float(line.split()[-1])) for line in of_429 if f'"{PRICE}"' in line and '"429"' in line)


def test_newman_runs_the_collection(clients: Path, stack: Stack, tmp_path: Path) -> None:
    """Every request succeeds, except for two: see `EXPECTED_REFUSALS`."""
    report = tmp_path / "report.json"
    ran = run_newman(clients / "postman" / COLLECTION_NAME, report, baseUrl=stack.url)
    assert ran.status == 0, ran.printed
    executions = json.loads(report.read_text(encoding="utf-8"))["run"]["executions"]
    last = {execution["item"]["name"]: execution["response"]["code"] for execution in executions}
    summaries = {operation["summary"]: operation["operationId"] for _, _, operation in each_operation(api_document())}
    statuses = {summaries[name]: code for name, code in last.items()}
    assert statuses.keys() == set(summaries.values())
    assert {name: code for name, code in statuses.items() if code >= 300} == EXPECTED_REFUSALS
