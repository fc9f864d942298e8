"""Routes are followed by real processes while requests go on."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import a_route, house_json, houses_json, routes_json
from servers import LISTENS, Process, StubModelServer, predicts
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
CALLERS = 4


@dataclass
class Load:
    """Callers who ask again and again, and what they were answered."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    """Of each answer, its status and the versions that made its prices."""

    def has_seen(self, version: str, times: int = 20) -> bool:
        """Whether the latest answers are all of one version."""
        latest = self.answers[-times:]
        return len(latest) == times and all(one == (200, version) for one in latest)


@contextmanager
def load_on(url: str) -> Iterator[Load]:
    """Ask about single houses and batches until it is left."""
    load, is_over = Load(), threading.Event()

    def ask(caller: int) -> None:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
            number = caller
            while not is_over.is_set():
                number += CALLERS
                if caller:
                    answer = http.post(PREDICT, json=house_json(id=number))
                    versions = {answer.json()["model"]["version"]} if answer.status_code == 200 else set()
                else:
                    answer = http.post(BATCH, json={"data": houses_json(40)})
                    versions = {one["model"]["version"] for one in answer.json().get("predictions", [])}
                load.answers.append((answer.status_code, "+".join(sorted(versions))))

    threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)


def serving_version(version: str) -> StubModelServer:
    """A model server whose prices name a version and its model."""

    def make(made: list[dict[str, Any]]) -> dict[str, Any]:
        return {"predictions": [{**one, "model_id": f"model-{version}"} for one in made]}

    return StubModelServer(predicts(make, x_model_version=version))


@contextmanager
def orchestrator(routes: Path, *, workers: int = 1, **variables: str) -> Iterator[str]:
    """The shipped program, following a file of routes; gives its address."""
    command = (sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0")
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(routes),
        "ORCHESTRATOR_SERVER__WORKERS": str(workers),
        "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "20",
        **variables,
    }
    with Process(*command, **variables) as process:
        url = process.says(LISTENS)[1]
        wait_until(lambda: is_ready(url), "it did not become ready")
        yield url


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.ConnectError:
        # Where there are several workers, the address is known before the first of them listens.
        return False


def put(path: Path, content: str) -> None:
    """Put a new file into the place of the old one, as those who write routes do."""
    new = path.with_suffix(".new")
    new.write_text(content, encoding="utf-8")
    new.replace(path)


def metrics_of(url: str) -> str:
    return httpx.get(f"{url}/metrics", trust_env=False).text


def knows(url: str, model_server: StubModelServer) -> bool:
    """Whether a model server may be asked by any worker."""
    return f'housing_price_circuit_state{{address="{model_server.url}"' in metrics_of(url)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_champion_is_exchanged_under_load_and_no_request_fails(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, routes_json(champion=a_route("1", blue.url)))
        with orchestrator(path, workers=workers) as url, load_on(url) as load:
            wait_until(lambda: load.has_seen("1"), "version 1 did not answer")
            put(path, routes_json(revision=2, champion=a_route("2", green.url)))
            wait_until(lambda: load.has_seen("2", times=100), "version 2 did not take over")
            # Every request that the old one had has ended, and nothing looks at it any more.
            wait_until(lambda: not knows(url, blue), "the old one was not closed")
            blue.goes_away()
            seen = len(load.answers)
            wait_until(lambda: len(load.answers) > seen + 100, "no further answers")
    assert {status for status, _ in load.answers} == {200}
    assert {versions for _, versions in load.answers} == {"1", "2"}


def test_a_champion_that_does_not_answer_does_not_take_over(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, routes_json(champion=a_route("1", blue.url)))
        green.goes_away()
        with orchestrator(path) as url, load_on(url) as load:
            put(path, routes_json(revision=2, champion=a_route("2", green.url)))
            wait_until(lambda: knows(url, green), "the new routes were not seen")
            seen = len(load.answers)
            wait_until(lambda: len(load.answers) > seen + 100, "no further answers")
            assert load.has_seen("1", times=len(load.answers))
            green.comes_back()
            wait_until(lambda: load.has_seen("2"), "version 2 did not take over")
    assert {status for status, _ in load.answers} == {200}


def test_counters_never_go_down_when_a_model_server_goes(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, routes_json(champion=a_route("1", blue.url)))
        with orchestrator(path, ORCHESTRATOR_CIRCUIT__MAX_FAILURES="1") as url:
            blue.goes_away()
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
                assert http.post(PREDICT, json=house_json()).status_code == 503
            opened = f'housing_price_circuit_opened_total{{address="{blue.url}"}}'
            wait_until(lambda: f"{opened} 1.0" in metrics_of(url), "the circuit did not open")
            put(path, routes_json(revision=2, champion=a_route("2", green.url)))
            wait_until(lambda: not knows(url, blue), "the old one was not closed")
            assert f"{opened} 1.0" in metrics_of(url)
