"""The code samples of the OpenAPI document, as it shows them, run against the shipped program and a real worker."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import bearer, new_key
from housing_price_orchestrator.shared.access import SCOPES
from servers import LISTENS, Process, StubModelServer, finds

COMMAND = (sys.executable, "-m", "housing_price_orchestrator")
SECONDS = 90
SUFFIXES = {"curl": ".sh", "Python": ".py", "JavaScript": ".mjs"}
PROGRAMS = {"curl": shutil.which("sh"), "Python": sys.executable, "JavaScript": shutil.which("node")}
NEEDED = {"curl": shutil.which("curl"), "Python": sys.executable, "JavaScript": shutil.which("node")}
LANGUAGES = [
    pytest.param(name, marks=pytest.mark.skipif(NEEDED[name] is None, reason=f"no program runs {name}"))
    for name in SUFFIXES
]


@dataclass(frozen=True)
class Service:
    """A running service with a finished job."""

    url: str
    key: str
    document: dict[str, Any]
    job_id: str
    folder: Path
    """Holds the files that the samples read."""

    def run(self, operation: str, language: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the sample of an operation in the folder with the files."""
        file = self.folder / f"{operation}{SUFFIXES[language]}"
        file.write_text(self.source(operation, language), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOUSING_PRICE_")}
        environment |= {"HOUSING_PRICE_API_URL": self.url, "JOB_ID": self.job_id, "NO_PROXY": "127.0.0.1"}
        if self.key:
            environment["HOUSING_PRICE_API_KEY"] = self.key
        return subprocess.run(
            [str(PROGRAMS[language]), str(file)],
            cwd=self.folder,
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def source(self, operation: str, language: str) -> str:
        """Return the sample of an operation, from the document."""
        samples = operations_of(self.document)[operation]["x-codeSamples"]
        return next(str(one["source"]) for one in samples if one["label"] == language)


def operations_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["operationId"]: one for path in document["paths"].values() for one in path.values()}


def example_of(document: dict[str, Any], operation: str, media_type: str) -> Any:
    content = operations_of(document)[operation]["requestBody"]["content"][media_type]
    return content["examples"]["example"]["value"]


@pytest.fixture(scope="module", params=["without keys", "with keys"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with both models and a worker; once without keys, once with."""
    folder = tmp_path_factory.mktemp("samples")
    keys_file = tmp_path_factory.mktemp("keys") / "keys.json"
    key = new_key(keys_file, *SCOPES) if request.param == "with keys" else ""
    jobs = tmp_path_factory.mktemp("jobs")
    with StubModelServer() as stub, StubModelServer(finds()) as sold:
        variables = {
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
            "ORCHESTRATOR_COMPARABLES__BASE_URL": sold.url,
            "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{jobs}/jobs.db",
            "ORCHESTRATOR_JOBS__FOLDER": str(jobs / "files"),
        } | ({"ORCHESTRATOR_AUTH__KEYS_FILE": str(keys_file)} if key else {})
        with (
            Process(*COMMAND, "serve", ORCHESTRATOR_SERVER__PORT="0", **variables) as api,
            Process(*COMMAND, "worker", "--name", "samples", **variables),
        ):
            url = api.says(LISTENS)[1]
            document = httpx.get(f"{url}/openapi.json", timeout=60).json()
            _write_files(document, folder)
            headers = {"content-type": "text/csv"} | (bearer(key) if key else {})
            with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
                job_id = _finished_job(http, (folder / "houses.csv").read_bytes())
            yield Service(url, key, document, job_id, folder)


def _write_files(document: dict[str, Any], folder: Path) -> None:
    """Write the files that the samples read: the examples of their operations."""
    house = example_of(document, "predict", "application/json")
    line = example_of(document, "predictStream", "application/x-ndjson")
    folder.joinpath("house.json").write_text(json.dumps(house), encoding="utf-8")
    folder.joinpath("houses.json").write_text(json.dumps({"data": [house]}), encoding="utf-8")
    folder.joinpath("houses.ndjson").write_text(f"{line}not a house\n{line}", encoding="utf-8")
    csv = example_of(document, "submitScoringCsv", "text/csv")
    folder.joinpath("houses.csv").write_text(csv, encoding="utf-8")


def _finished_job(http: httpx.Client, content: bytes) -> str:
    job = http.post("/api/v1/jobs/scoring/csv", content=content).raise_for_status().json()
    deadline = time.monotonic() + SECONDS
    while job["finishedAt"] is None:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
        job = http.get(f"/api/v1/jobs/{job['id']}").json()
    assert job["state"] == "succeeded", job
    return str(job["id"])


EXPECTED = {
    "predict": ["low", "high"],
    "predictBatch": ["1"],
    "predictStream": ["1461", "urn:housing-price:problem:invalid-document"],
    "value": ["method", "low", "high"],
    "estimate": ["low", "high"],
    "submitScoringCsv": [],
    "getJob": ["succeeded", "rowsPriced"],
    "getJobResult": [],
}
"""Texts in the output of each sample."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", EXPECTED)
def test_a_sample_does_what_it_shows(service: Service, operation: str, language: str) -> None:
    result_file = service.folder / "prices.csv"
    result_file.unlink(missing_ok=True)
    completed = service.run(operation, language)
    assert completed.returncode == 0, completed.stderr + completed.stdout
    assert not completed.stderr
    for text in EXPECTED[operation]:
        assert text in completed.stdout
    if operation == "submitScoringCsv":
        headers = bearer(service.key) if service.key else {}
        jobs = httpx.get(f"{service.url}/api/v1/jobs", headers=headers, timeout=60).json()["jobs"]
        assert jobs[0]["id"] in completed.stdout
    if operation == "getJobResult":
        assert result_file.read_text(encoding="utf-8").startswith("row,id,")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("operation", ["predict", "predictStream", "getJobResult"])
def test_a_sample_that_fails_shows_the_problem(service: Service, operation: str, language: str) -> None:
    if not service.key:
        assert "HOUSING_PRICE_API_KEY" not in service.source(operation, language)
        return
    completed = service.run(operation, language, HOUSING_PRICE_API_KEY="hp_unknown")
    assert completed.returncode != 0
    # curl writes the answer to the file that was asked for.
    shown = completed.stderr + completed.stdout
    if (operation, language) == ("getJobResult", "curl"):
        shown = (service.folder / "prices.csv").read_text(encoding="utf-8")
    assert "urn:housing-price:problem:credentials-invalid" in shown


def test_every_sample_is_run(service: Service) -> None:
    with_samples = {name for name, one in operations_of(service.document).items() if "x-codeSamples" in one}
    assert with_samples == EXPECTED.keys()
    for name in with_samples:
        labels = [one["label"] for one in operations_of(service.document)[name]["x-codeSamples"]]
        assert labels == list(SUFFIXES)
