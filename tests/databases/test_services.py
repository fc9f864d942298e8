"""The API and the scoring worker while databases are locked, silent or frozen: 503 in time, and back by itself."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from benchmarks.faults.databases.postgres import Postgres
from benchmarks.faults.databases.silent_proxy import SilentProxy
from benchmarks.faults.databases.sqlite_lock import exclusive_lock

from factories import house_bytes, houses_json
from servers import LISTENS, Process, StubModelServer
from waiting import wait_until

pytestmark = pytest.mark.stack

COMMAND = (sys.executable, "-m", "housing_price_orchestrator")
WAIT_SECONDS = 5
CLIENT_SECONDS = 30
"""Bounds each call, generously: without limits in the service, a call would take minutes."""
CALLERS = 6
"""More than the service has threads."""

NDJSON, JSON = {"content-type": "application/x-ndjson"}, {"content-type": "application/json"}
ROWS = b"".join(json.dumps(document).encode() + b"\n" for document in houses_json(300))

type Fault = Callable[[], contextlib.AbstractContextManager[None]]


@dataclass
class Databases:
    """The databases of the jobs and of the prediction log, and a fault that makes them unavailable."""

    jobs: str
    log: str
    fault: Fault
    blocks_reads: bool


@pytest.fixture(params=["locked SQLite", "silent Postgres", "frozen Postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    if request.param == "locked SQLite":
        files = [tmp_path / "jobs.db", tmp_path / "log.db"]

        @contextlib.contextmanager
        def locked() -> Iterator[None]:
            with exclusive_lock(files[0]), exclusive_lock(files[1]):
                yield

        jobs, log = (f"sqlite:///{file}" for file in files)
        return Databases(jobs, log, locked, blocks_reads=False)
    postgres: Postgres = request.getfixturevalue("postgres")
    proxy: SilentProxy = request.getfixturevalue("proxy")
    jobs, log = (postgres.address_behind(proxy.port, postgres.new_database()) for _ in range(2))
    if request.param == "frozen Postgres":
        return Databases(jobs, log, postgres.frozen, blocks_reads=True)

    @contextlib.contextmanager
    def silent() -> Iterator[None]:
        proxy.go_silent()
        try:
            yield
        finally:
            proxy.resume()

    return Databases(jobs, log, silent, blocks_reads=True)


class Service:
    """A running API."""

    def __init__(self, process: Process, variables: dict[str, str]) -> None:
        self.process = process
        self.variables = variables
        self.http = httpx.Client(base_url=process.says(LISTENS)[1], timeout=CLIENT_SECONDS, trust_env=False)

    def submit(self) -> str:
        """Submit a job, as soon as the database is open."""
        answers: list[httpx.Response] = []

        def is_accepted() -> bool:
            answers.append(self.http.post("/api/v1/jobs/scoring", content=ROWS, headers=NDJSON))
            return answers[-1].status_code == 202

        wait_until(is_accepted, "no job was accepted")
        return str(answers[-1].headers["location"])

    def state_of(self, location: str) -> str:
        return str(self.http.get(location).json().get("state"))

    def calls(self, job: str) -> tuple[Sequence[httpx.Request], Sequence[httpx.Request]]:
        """Every kind of call that reads a database, and every kind that writes."""
        build = self.http.build_request
        reads = [
            build("GET", "/api/v1/jobs"),
            build("GET", job),
            build("GET", f"{job}/result"),
            build("GET", f"{job}/refused"),
            build("GET", "/api/v1/predictions", params={"requestId": "nobody"}),
            build("GET", f"/api/v1/predictions/{'0' * 32}"),
            build("GET", "/api/v1/price/actuals/errors"),
        ]
        actuals = {"data": [{"id": 1461, "salePrice": 200_000.0}]}
        writes = [
            build("POST", "/api/v1/jobs/scoring", content=ROWS, headers=NDJSON),
            build("POST", "/api/v1/jobs/training", content=b"{}", headers=JSON),
            build("POST", "/api/v1/price/actuals", content=json.dumps(actuals), headers=JSON),
        ]
        return reads, writes

    def answers_to(self, requests: Sequence[httpx.Request]) -> list[httpx.Response]:
        """Send all requests several times at the same time."""
        with ThreadPoolExecutor(CALLERS * len(requests)) as pool:
            return list(pool.map(self.http.send, list(requests) * CALLERS))

    def price(self) -> int:
        return self.http.post("/api/v1/price/predict", content=house_bytes(), headers=JSON).status_code

    def metric(self, name: str) -> float:
        page = self.http.get("/metrics").text
        return next(float(line.split()[1]) for line in page.splitlines() if line.startswith(f"{name} "))


@pytest.fixture
def service(databases: Databases, stub: StubModelServer, tmp_path: Path) -> Iterator[Service]:
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
        "ORCHESTRATOR_JOBS__DATABASE_URL": databases.jobs,
        "ORCHESTRATOR_JOBS__FOLDER": str(tmp_path / "jobs"),
        "ORCHESTRATOR_JOBS__WAIT_SECONDS": str(WAIT_SECONDS),
        "ORCHESTRATOR_JOBS__ROWS_PER_STEP": "100",
        "ORCHESTRATOR_PREDICTION_LOG__URL": databases.log,
        "ORCHESTRATOR_PREDICTION_LOG__READ_SECONDS": str(WAIT_SECONDS),
        "ORCHESTRATOR_SERVER__MAX_CONNECTIONS": "1000",
    }
    with Process(*COMMAND, "serve", "--port", "0", **variables) as process:
        running = Service(process, variables)
        wait_until(lambda: running.price() == 200, "no price at the start")
        yield running
        running.http.close()


def is_refused(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and "retry-after" in answer.headers


def test_every_call_gets_503_in_time_and_works_again_by_itself(service: Service, databases: Databases) -> None:
    job = service.submit()
    reads, writes = service.calls(job)
    wait_until(lambda: not any(is_refused(service.http.send(each)) for each in [*reads, *writes]), "not up")
    with databases.fault():
        for answer in service.answers_to([*reads, *writes] if databases.blocks_reads else writes):
            assert is_refused(answer), (answer.request.url, answer.text)
        if not databases.blocks_reads:
            # Reads do not queue behind the writes that wait for the lock.
            assert not any(is_refused(answer) for answer in service.answers_to(reads))
        assert service.price() == 200
        wait_until(lambda: service.metric("housing_price_prediction_log_away") == 1, "the log was not reported")
        wait_until(lambda: "prediction log: database unavailable" in service.process.output, "nothing was logged")
    wait_until(lambda: not any(is_refused(service.http.send(each)) for each in [*reads, *writes]), "not back")
    wait_until(lambda: service.metric("housing_price_prediction_log_away") == 0, "the log is not back")
    wait_until(lambda: service.metric("housing_price_prediction_log_queued_rows") == 0, "prices were not written")
    assert service.metric("housing_price_prediction_log_dropped_rows_total") == 0
    assert service.http.delete(job).status_code == 200


def test_sigterm_ends_the_service_while_its_databases_are_away(service: Service, databases: Databases) -> None:
    job = service.submit()
    reads, writes = service.calls(job)
    with databases.fault(), ThreadPoolExecutor(len(reads) + len(writes)) as pool:
        assert service.price() == 200
        pending = [pool.submit(send_and_forget, service, request) for request in [*reads, *writes]]
        assert service.process.stop() == 0
        assert all(each.result(CLIENT_SECONDS) for each in pending)
    assert "Traceback" not in service.process.output


def send_and_forget(service: Service, request: httpx.Request) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        service.http.send(request)
    return True


@pytest.fixture
def worker(service: Service) -> Iterator[Process]:
    with Process(*COMMAND, "worker", "--name", "worker-1", **service.variables) as process:
        process.says("worker ready")
        yield process


def test_a_worker_that_lost_its_database_goes_on_when_it_is_back(
    service: Service, databases: Databases, worker: Process, stub: StubModelServer
) -> None:
    assert_succeeds(service, service.submit())
    seen = 0
    good = stub.behaviour

    async def count(call: Any, writer: Any) -> None:
        nonlocal seen
        seen += len(call.rows)
        await good(call, writer)

    stub.behaviour = count
    job = service.submit()
    # In the middle of a job, between its checkpoints.
    wait_until(lambda: seen > 0, "the job was not taken")
    with databases.fault():
        assert service.price() == 200
        wait_until(lambda: is_refused(service.http.send(service.calls(job)[1][0])), "the fault has no effect")
    assert_succeeds(service, job)
    assert_succeeds(service, service.submit())
    assert worker.stop() == 0


def test_a_worker_ends_on_sigterm_while_its_database_is_away(
    databases: Databases, worker: Process, service: Service
) -> None:
    with databases.fault():
        wait_until(lambda: is_refused(service.http.send(service.calls("/")[1][0])), "the fault has no effect")
        assert worker.stop() == 0


def assert_succeeds(service: Service, job: str) -> None:
    wait_until(lambda: service.state_of(job) not in {"queued", "running", "None"}, "the job does not end", seconds=60)
    assert service.state_of(job) == "succeeded"


def test_a_store_that_is_locked_before_it_is_opened(stub: StubModelServer, tmp_path: Path) -> None:
    """Even for readers: the first call finds it locked, and a later one opens it."""
    file = tmp_path / "jobs.db"
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
        "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{file}",
        "ORCHESTRATOR_JOBS__FOLDER": str(tmp_path / "jobs"),
        "ORCHESTRATOR_JOBS__WAIT_SECONDS": str(WAIT_SECONDS),
    }
    with contextlib.ExitStack() as stack:
        # The API reads the lengths of the queues as soon as it has started.
        with exclusive_lock(file, blocks_readers=True):
            process = stack.enter_context(Process(*COMMAND, "serve", "--port", "0", **variables))
            service = Service(process, variables)
            reads, writes = service.calls(f"/api/v1/jobs/{'0' * 32}")
            for answer in service.answers_to([reads[0], reads[1], writes[0]]):
                assert is_refused(answer), (answer.request.url, answer.text)
            worker = stack.enter_context(Process(*COMMAND, "worker", "--name", "worker-1", **variables))
            worker.says("jobs database unavailable, waiting for it")
            impatient = stack.enter_context(Process(*COMMAND, "worker", "--name", "worker-2", **variables))
            impatient.says("jobs database unavailable, waiting for it")
            assert impatient.stop() == 0
        worker.says("worker ready")
        assert_succeeds(service, service.submit())
        service.http.close()
        assert worker.stop() == 0
        assert process.stop() == 0
