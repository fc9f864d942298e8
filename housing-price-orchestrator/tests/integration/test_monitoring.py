"""A real Prometheus watches the real services by the configuration that is shipped."""

import contextlib
import math
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from factories import a_route, batch_bytes, house_bytes, houses_json, routes_json
from housing_price_platform.jobs.monitoring.running_workers import SILENT_SECONDS
from http_server import Answer, running_http_server
from monitoring_files import RULES, prometheus_configuration, queries
from servers import LISTENS, Process, StubModelServer, says

SECONDS_FOR_DATA = 90
PREDICT = "/api/v1/price/predict"

DRIFT = """
housing_price_drift_alarm{model_id="m"} 1
housing_price_drift_psi{model_id="m",feature="GrLivArea"} 0.4
housing_price_drift_last_check_timestamp_seconds 1000
"""
"""Metrics of a drift check, as node_exporter shows them; a unit test binds the names to those of the check."""


@pytest.fixture
def drift_metrics() -> Iterator[str]:
    with running_http_server(lambda _: Answer(DRIFT.encode(), content_type="text/plain; version=0.0.4")) as url:
        yield url.removeprefix("http://")


@pytest.fixture
def tracking_server(tmp_path: Path) -> Iterator[str]:
    """The address of the real tracking server."""
    stores = ("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts", str(tmp_path / "artifacts"))
    with Process(sys.executable, "-m", "mlflow_server", "serve", "--port", "0", *stores) as process:
        address = process.says(r'tracking server at (http://[^ "]+)')[1]
        process.says("Application startup complete")
        yield address


def jobs_of(tmp_path: Path) -> dict[str, str]:
    """The settings of the jobs, which the API and its worker share."""
    return {
        "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db",
        "ORCHESTRATOR_JOBS__FOLDER": str(tmp_path / "jobs"),
    }


@contextlib.contextmanager
def scoring_worker(model_server: str, tmp_path: Path) -> Iterator[Process]:
    """The shipped worker, which takes jobs."""
    command = (sys.executable, "-m", "housing_price_orchestrator", "worker", "--name", "watched")
    with Process(*command, ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server, **jobs_of(tmp_path)) as process:
        process.says("worker ready")
        yield process


@contextlib.contextmanager
def orchestrator(model_server: str, routes: Path) -> Iterator[httpx.Client]:
    """The shipped program; its canary and its shadow are asked at the same address."""
    address = model_server.rstrip("/")
    champion = a_route("unknown", address, modelId="unknown")
    canary, shadow = a_route("3", address, modelId="unknown", weight=0.5), a_route("2", address)
    routes.write_text(routes_json(champion=champion, canary=canary, shadow=shadow), encoding="utf-8")
    with (
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE=str(routes),
            **jobs_of(routes.parent),
        ) as process,
        httpx.Client(base_url=process.says(LISTENS)[1], timeout=30, trust_env=False) as client,
    ):
        yield client


@contextlib.contextmanager
def prometheus(
    orchestrator: httpx.Client, drift_metrics: str, tmp_path: Path, *, price: str, comparables: str, tracking: str
) -> Iterator[httpx.Client]:
    """A real one, by the configuration that is shipped, which only looks more often and elsewhere."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus was not found: it is Debian's package prometheus")
    configuration = prometheus_configuration()
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(path) for path in RULES]
    addresses = {"model-server:8080": price, "comparables-server:8081": comparables, "tracking-server:9999": tracking}
    here = {name: re.sub("^http://|/$", "", address) for name, address in addresses.items()}
    here |= {"orchestrator:8000": orchestrator.base_url.netloc.decode(), "drift-metrics:9100": drift_metrics}
    for job in configuration["scrape_configs"]:
        for targets in job["static_configs"]:
            targets["targets"] = [here[target] for target in targets["targets"]]
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    listen = "--web.listen-address=127.0.0.1:0"
    with Process(program, f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'data'}", listen) as process:
        address = process.says(r"Listening on.* address=(127\.0\.0\.1:[0-9]+)")[1]
        process.says("Server is ready to receive web requests")
        with httpx.Client(base_url=f"http://{address}/api/v1", timeout=30, trust_env=False) as client:
            yield client


def ask_for_everything(orchestrator: httpx.Client) -> None:
    """Some of everything that there is to count."""
    for number in range(5):
        orchestrator.post(PREDICT, content=house_bytes(id=number + 1))
    orchestrator.post(PREDICT, content=house_bytes(street="Dummy"))
    orchestrator.post("/api/v1/valuation", content=house_bytes())
    orchestrator.post(f"{PREDICT}/batch", content=batch_bytes(houses_json(40)))
    orchestrator.post(f"{PREDICT}/stream", content=house_bytes(), headers={"content-type": "application/x-ndjson"})


def found(prometheus: httpx.Client, query: str) -> list[float]:
    """The numbers that a query of a dashboard gives; none where it gives nothing or no number."""
    answer = prometheus.get("/query", params={"query": query.replace("$__rate_interval", "30s")})
    assert answer.status_code == 200, answer.text
    values = [float(series["value"][1]) for series in answer.json()["data"]["result"]]
    return [value for value in values if not math.isnan(value)]


def test_every_query_of_the_dashboards_has_data_and_every_rule_is_well(
    model_server: str, comparables_server: str, tracking_server: str, drift_metrics: str, tmp_path: Path
) -> None:
    servers = {"price": model_server, "comparables": comparables_server, "tracking": tracking_server}
    with (
        orchestrator(model_server, tmp_path / "routes.json") as api,
        scoring_worker(model_server, tmp_path),
        prometheus(api, drift_metrics, tmp_path, **servers) as watching,
    ):
        deadline = time.monotonic() + SECONDS_FOR_DATA
        missing = queries()
        while missing:
            assert time.monotonic() < deadline, f"no data: {missing}"
            ask_for_everything(api)
            for server in (model_server, comparables_server):
                httpx.post(f"{server}/invocations", content=b"", timeout=30)
            httpx.get(f"{tracking_server}/health", timeout=30)
            missing = [one for one in missing if not found(watching, one[1])]
        groups = watching.get("/rules").json()["data"]["groups"]
        assert {(rule["health"], rule.get("lastError", "")) for group in groups for rule in group["rules"]} == {
            ("ok", "")
        }
        targets = watching.get("/targets").json()["data"]["activeTargets"]
        assert {target["labels"]["job"]: target["health"] for target in targets} == {
            "housing-price-orchestrator": "up",
            "housing-price-model-server": "up",
            "housing-price-tracking-server": "up",
            "housing-price-drift": "up",
        }
        assert _alerts(watching) >= {"HousingPriceDrift", "HousingPriceDriftUnchecked"}


def test_a_model_server_that_fails_raises_alerts(stub: StubModelServer, drift_metrics: str, tmp_path: Path) -> None:
    stub.behaviour = says(503)
    # The stub has no metrics: as a tracking server it counts as down, and as a model server it was never seen.
    servers = {"price": stub.url, "comparables": stub.url, "tracking": stub.url}
    with (
        orchestrator(stub.url, tmp_path / "routes.json") as api,
        prometheus(api, drift_metrics, tmp_path, **servers) as watching,
    ):
        deadline = time.monotonic() + SECONDS_FOR_DATA
        expected = {"HousingPriceErrorsBurnFast", "HousingPriceCircuitOpen", "HousingPriceNotReady"}
        expected |= {"HousingPriceTrackingServerDown"}
        while not expected <= (raised := _alerts(watching)):
            assert time.monotonic() < deadline, raised
            assert api.post(PREDICT, content=house_bytes()).status_code == 503


def test_a_failed_job_and_a_killed_worker_raise_alerts(
    stub: StubModelServer, drift_metrics: str, tmp_path: Path
) -> None:
    servers = {"price": stub.url, "comparables": stub.url, "tracking": stub.url}
    with (
        orchestrator(stub.url, tmp_path / "routes.json") as api,
        scoring_worker(stub.url, tmp_path) as worker,
        prometheus(api, drift_metrics, tmp_path, **servers) as watching,
    ):
        submitted = api.post("/api/v1/jobs/scoring", content=b"nothing\n1\n", headers={"content-type": "text/csv"})
        assert submitted.status_code == 202, submitted.text
        _wait_for_alert(watching, "HousingPriceJobsFail")
        worker.kill()
        with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as database, database:
            # As if the time had passed after which a silent worker counts as stopped.
            database.execute("UPDATE housing_price_workers SET reported_at = reported_at - ?", [SILENT_SECONDS * 1000])
        _wait_for_alert(watching, "HousingPriceWorkersStopped")


def _wait_for_alert(prometheus: httpx.Client, name: str) -> None:
    deadline = time.monotonic() + SECONDS_FOR_DATA
    while name not in (raised := _alerts(prometheus)):
        assert time.monotonic() < deadline, raised
        time.sleep(0.2)


def _alerts(prometheus: httpx.Client) -> set[str]:
    """Return the alerts that are firing or pending."""
    return {one["labels"]["alertname"] for one in prometheus.get("/alerts").json()["data"]["alerts"]}
