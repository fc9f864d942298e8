"""Two orchestrators that share Postgres, Redis, the files of jobs and the routes, behind nginx."""

import contextlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from factories import house_json, houses_json
from housing_price_platform.files import write_atomically
from nginx import needs_nginx, running_nginx
from postgres import Postgres
from servers import LISTENS, Process, StubModelServer, predicts, reserved_port
from waiting import wait_until

from ..traffic import Traffic

REDIS = shutil.which("redis-server")
COMMAND = (sys.executable, "-m", "housing_price_orchestrator")
PREDICT = "/api/v1/price/predict"
NDJSON = {"Content-Type": "application/x-ndjson"}

pytestmark = [
    pytest.mark.full,
    needs_nginx,
    pytest.mark.skipif(REDIS is None, reason="redis-server was not found (Debian: redis-server)"),
]

# A restart is no failure (`max_fails=0`), and nginx gives up a kept connection before the orchestrator does.
NGINX = """
  upstream orchestrators {{
    server 127.0.0.1:{first} max_fails=0;
    server 127.0.0.1:{second} max_fails=0;
    keepalive 16; keepalive_timeout 5s;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://orchestrators;
      proxy_set_header Host $http_host;
      proxy_http_version 1.1; proxy_set_header Connection "";
    }}
  }}
"""


@dataclass
class Replicas:
    """The running orchestrators.

    Attributes:
        url: The address of nginx.
        urls: The addresses of the two orchestrators.
        log_url: The database of the prediction log.
        variables: The environment of both.
    """

    url: str
    urls: tuple[str, ...]
    log_url: str
    folder: Path
    variables: dict[str, str]
    processes: list[Process]
    start: Callable[[int], Process]
    revision: int = 0

    def restart(self, number: int) -> None:
        """Stop one orchestrator, which must end by itself, and start it again."""
        assert self.processes[number].stop() == 0
        self.processes[number] = self.start(number)
        self.processes[number].says(LISTENS)
        self.wait_until_ready(self.urls[number])

    def wait_until_ready(self, url: str) -> None:
        wait_until(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 200, f"{url} is not ready")

    def route(self, version: str, address: str) -> None:
        """Make a version the champion, as the lifecycle worker does."""
        self.revision += 1
        champion = {"version": version, "modelId": f"model-{version}", "addresses": [address]}
        routes = {"revision": self.revision, "champion": champion, "canary": None, "shadow": None}
        write_atomically(self.folder / "routes.json", json.dumps(routes).encode())

    def has_stored(self, number: int) -> bool:
        """Return whether one orchestrator has written to the log."""
        metrics = httpx.get(f"{self.urls[number]}/metrics", trust_env=False).text
        (stored,) = re.findall(r"^housing_price_prediction_log_stored_rows_total (\d+)", metrics, re.MULTILINE)
        return int(stored) > 0

    def logged_ids(self, first: int) -> list[int]:
        """Return the ids of the houses in the log, from `first`."""
        engine = create_engine(self.log_url.replace("postgresql:", "postgresql+psycopg:", 1))
        try:
            with engine.connect() as connection:
                query = text("SELECT house_id FROM prediction WHERE house_id >= :first ORDER BY house_id")
                return list(connection.execute(query, {"first": first}).scalars())
        finally:
            engine.dispose()


def version(number: str) -> StubModelServer:
    """A model server with a version; its prices do not differ."""
    changed = predicts(
        lambda made: {"predictions": [one | {"model_id": f"model-{number}"} for one in made]},
        x_model_name="housing-price",
        x_model_version=number,
    )
    return StubModelServer(changed)


@contextlib.contextmanager
def running_replicas(postgres: Postgres, model_server: str, folder: Path, **settings: str) -> Iterator[Replicas]:
    """Run both orchestrators, with Redis and behind nginx."""
    assert REDIS is not None
    log_url = postgres.new_database()
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(reserved_port()) for _ in range(4)]
        redis = ("--port", str(ports[3]), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        stack.enter_context(Process(REDIS, *redis)).says("Ready to accept connections")
        variables = {
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": model_server,
            "ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(folder / "routes.json"),
            "ORCHESTRATOR_PREDICTION_LOG__URL": log_url,
            "ORCHESTRATOR_JOBS__DATABASE_URL": postgres.new_database(),
            "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
            "ORCHESTRATOR_RATE_LIMIT__REQUESTS": "100000/minute",
            "ORCHESTRATOR_RATE_LIMIT__STORAGE_URL": f"redis://127.0.0.1:{ports[3]}",
            # Long enough for nginx: it learns from each answer that the connection ends.
            "ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS": "0.5",
            "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "30",
        } | settings

        def start(number: int) -> Process:
            return stack.enter_context(Process(*COMMAND, "serve", "--port", str(ports[number]), **variables))

        processes = [start(number) for number in range(2)]
        for process in processes:
            process.says(LISTENS)
        proxy = NGINX.format(first=ports[0], second=ports[1], port=ports[2])
        stack.enter_context(running_nginx(folder, proxy))
        urls = tuple(f"http://127.0.0.1:{port}" for port in ports[:2])
        running = Replicas(f"http://127.0.0.1:{ports[2]}", urls, log_url, folder, variables, processes, start)
        for url in urls:
            running.wait_until_ready(url)
        yield running


@pytest.fixture(scope="module")
def first_version() -> Iterator[StubModelServer]:
    with version("1") as server:
        yield server


@pytest.fixture(scope="module")
def replicas(
    postgres: Postgres, first_version: StubModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    with running_replicas(postgres, first_version.url, tmp_path_factory.mktemp("replicas")) as running:
        yield running


LIMIT = 40


def test_a_rate_limit_holds_for_both_together(
    postgres: Postgres, first_version: StubModelServer, tmp_path: Path
) -> None:
    """Each replica gets half of the requests, which alone would stay below the limit."""
    limit = {"ORCHESTRATOR_RATE_LIMIT__REQUESTS": f"{LIMIT}/hour"}
    with (
        running_replicas(postgres, first_version.url, tmp_path, **limit) as replicas,
        httpx.Client(trust_env=False, timeout=30) as http,
    ):
        statuses = [http.post(f"{replicas.url}{PREDICT}", json=house_json()).status_code for _ in range(LIMIT + 20)]
        assert statuses == [200] * LIMIT + [429] * 20
        for url in replicas.urls:
            refused = http.post(f"{url}{PREDICT}", json=house_json())
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) > 0


def test_a_job_is_submitted_to_one_and_followed_and_collected_at_the_other(replicas: Replicas) -> None:
    body = "".join(json.dumps(house) + "\n" for house in houses_json(500))
    first, second = (httpx.Client(base_url=url, trust_env=False, timeout=30) for url in replicas.urls)
    with first, second, Process(*COMMAND, "worker", "--name", "worker-1", **replicas.variables) as worker:
        worker.says("worker ready")
        sent = first.post("/api/v1/jobs/scoring", content=body, headers=NDJSON | {"Idempotency-Key": "june"})
        assert sent.status_code == 202, sent.text
        path = sent.headers["location"]

        def job() -> dict[str, Any]:
            return dict(second.get(path).json())

        wait_until(lambda: job()["state"] == "succeeded", "the job does not succeed", seconds=60)
        priced = [json.loads(line)["id"] for line in second.get(f"{path}/result").text.splitlines()]
        assert priced == [house["id"] for house in houses_json(500)]
        again = second.post("/api/v1/jobs/scoring", content=body, headers=NDJSON | {"Idempotency-Key": "june"})
        assert again.json()["id"] == job()["id"]
        assert [one["id"] for one in first.get("/api/v1/jobs").json()["jobs"]] == [job()["id"]]


def test_both_follow_a_swap_and_no_request_fails(replicas: Replicas, first_version: StubModelServer) -> None:
    replicas.route("1", first_version.url)
    with version("2") as second_version, httpx.Client(trust_env=False, timeout=30) as http:

        def served() -> set[str]:
            answers = [http.post(f"{url}{PREDICT}", json=house_json()) for url in replicas.urls]
            return {str(answer.json()["model"]["version"]) for answer in answers}

        wait_until(lambda: served() == {"1"}, "version 1 is not served")
        with Traffic(replicas.url) as traffic:
            wait_for_more(traffic)
            replicas.route("2", second_version.url)
            wait_until(lambda: served() == {"2"}, "version 2 is not served by both")
            wait_for_more(traffic)
            replicas.route("1", first_version.url)
            wait_until(lambda: served() == {"1"}, "version 1 is not served by both again")
        assert set(traffic.statuses) == {200}, traffic.statuses
        # While only one of them has followed, their answers alternate.
        assert traffic.answers[0][1] == "1"
        assert "2" in traffic.versions


class LaterTraffic(Traffic):
    """Requests whose ids no other test uses."""

    first_id = 1_000_000


def test_a_rolling_restart_fails_no_request_and_every_price_is_in_the_log(replicas: Replicas) -> None:
    with LaterTraffic(replicas.url) as traffic:
        for number in range(2):
            wait_for_more(traffic)
            # A log that is still being opened may drop rows at the stop.
            wait_until(partial(replicas.has_stored, number), "the log is not written")
            replicas.restart(number)
        wait_for_more(traffic)
    assert set(traffic.statuses) == {200}, traffic.statuses
    first, answered = traffic.first_id, len(traffic.answers)
    wait_until(lambda: len(replicas.logged_ids(first)) >= answered, "prices are missing from the log")
    assert replicas.logged_ids(first) == list(range(first, first + answered))


def wait_for_more(traffic: Traffic) -> None:
    """Wait until both have answered some more requests: they take turns."""
    wanted = len(traffic.answers) + 15
    wait_until(lambda: len(traffic.answers) >= wanted, "requests are not answered")
