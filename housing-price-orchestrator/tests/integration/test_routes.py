"""Routes are followed by real processes while requests go on."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import a_route, house_json, houses_json, routes_json
from servers import LISTENS, Behaviour, Call, Process, StubModelServer, hangs, predicts, says
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
CALLERS = 4


@dataclass
class Load:
    """Callers who ask again and again, and what they were answered."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    """Of each answer, its status and the versions that made its prices."""
    asked_at: list[float] = field(default_factory=list)
    """Of each answer, when it was asked for."""

    def record_answer(self, status: int, versions: str, asked_at: float) -> None:
        self.asked_at.append(asked_at)
        self.answers.append((status, versions))

    def asked_since(self, moment: float) -> list[tuple[int, str]]:
        """The answers to what was asked after a moment."""
        return [answer for answer, at in zip(self.answers, self.asked_at, strict=False) if at > moment]

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
                asked_at = time.monotonic()
                if caller:
                    answer = http.post(PREDICT, json=house_json(id=number))
                    versions = {answer.json()["model"]["version"]} if answer.status_code == 200 else set()
                else:
                    answer = http.post(BATCH, json={"data": houses_json(40)})
                    versions = {one["model"]["version"] for one in answer.json().get("predictions", [])}
                load.record_answer(answer.status_code, "+".join(sorted(versions)), asked_at)

    threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)


@contextmanager
def steady_load_on(url: str, per_second: int = 100) -> Iterator[Load]:
    """Ask for single prices at a rate, each of another house, whatever the answers take."""
    load, is_over = Load(), threading.Event()

    async def ask(http: httpx.AsyncClient, number: int) -> None:
        asked_at = time.monotonic()
        answer = await http.post(PREDICT, json=house_json(id=number))
        load.record_answer(answer.status_code, answer.json().get("model", {}).get("version", "none"), asked_at)

    async def ask_all() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with (
            httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=limits) as http,
            asyncio.TaskGroup() as group,
        ):
            number, began_at = 0, time.monotonic()
            while not is_over.is_set():
                number += 1
                group.create_task(ask(http, number))
                await asyncio.sleep(max(0.0, began_at + number / per_second - time.monotonic()))

    thread = threading.Thread(target=lambda: asyncio.run(ask_all()))
    thread.start()
    try:
        yield load
    finally:
        is_over.set()
        thread.join(60)


def priced_by(version: str, factor: float = 1.0) -> Behaviour:
    """Answer with prices that name a version and its model, and are `factor` times the usual ones."""

    def make(made: list[dict[str, Any]]) -> dict[str, Any]:
        times = [{**one, **{key: one[key] * factor for key in ("price", "low", "high")}} for one in made]
        return {"predictions": [{**one, "model_id": f"model-{version}"} for one in times]}

    return predicts(make, x_model_version=version)


def slowly(behaviour: Behaviour, seconds: float) -> Behaviour:
    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await behaviour(call, writer)

    return behave


def serving_version(version: str) -> StubModelServer:
    return StubModelServer(priced_by(version))


@contextmanager
def orchestrator(routes: Path, *, workers: int = 1, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """The shipped program, following a file of routes; gives its address."""
    command = (sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0")
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(routes),
        "ORCHESTRATOR_SERVER__WORKERS": str(workers),
        "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "20",
        **(variables or {}),
    }
    with Process(*command, **variables) as process:
        url = process.says(LISTENS)[1]
        wait_until(lambda: is_ready(url), "it did not become ready")
        yield url


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.ConnectError:
        # With several workers, the address is known before the first of them listens.
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
        with orchestrator(path, variables={"ORCHESTRATOR_CIRCUIT__MAX_FAILURES": "1"}) as url:
            blue.goes_away()
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
                assert http.post(PREDICT, json=house_json()).status_code == 503
            opened = f'housing_price_circuit_opened_total{{address="{blue.url}",model="price"}}'
            wait_until(lambda: f"{opened} 1.0" in metrics_of(url), "the circuit did not open")
            put(path, routes_json(revision=2, champion=a_route("2", green.url)))
            wait_until(lambda: not knows(url, blue), "the old one was not closed")
            assert f"{opened} 1.0" in metrics_of(url)


def canary_routes(revision: int, blue: StubModelServer, green: StubModelServer, weight: float = 0.1) -> str:
    """Routes with version 1 as champion and version 2 as canary."""
    return routes_json(revision, a_route("1", blue.url), canary=a_route("2", green.url, weight=weight))


def test_a_canary_answers_for_its_share_of_the_houses_and_always_for_the_same(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    ids = range(1, 10_001)

    def versions(url: str) -> dict[int, str]:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            answer = http.post(BATCH, json={"data": [house_json(id=one) for one in ids]})
        assert answer.status_code == 200, answer.text
        return {one["id"]: one["model"]["version"] for one in answer.json()["predictions"]}

    with serving_version("1") as blue, serving_version("2") as green:
        put(path, canary_routes(1, blue, green))
        with orchestrator(path, workers=2) as url:
            wait_until(lambda: knows(url, green), "the canary was not opened")
            wait_until(lambda: set(versions(url).values()) == {"1", "2"}, "the canary did not answer")
            first = versions(url)
            assert list(first) == list(ids)
            assert abs(sum(version == "2" for version in first.values()) / len(ids) - 0.1) <= 0.01
            # Of whichever worker is asked, alone or in a batch.
            assert versions(url) == first
            for one in (*ids[:20], *[one for one, version in first.items() if version == "2"][:20]):
                answer = httpx.post(url + PREDICT, json=house_json(id=one), trust_env=False)
                assert answer.json()["model"]["version"] == first[one]
            put(path, canary_routes(2, blue, green, weight=0.2))
            wait_until(lambda: "housing_price_routes_revision 2.0" in metrics_of(url), "the routes were not followed")
            more = versions(url)
            assert {one for one, version in first.items() if version == "2"} < {
                one for one, version in more.items() if version == "2"
            }


BAD_CANARIES: dict[str, tuple[Behaviour, str]] = {
    "errors": (says(500), "errors"),
    "refusals of all rows": (says(400), "errors"),
    "nonsense": (says(200, b"<html>", content_type="text/html"), "errors"),
    "no answers": (hangs, "errors"),
    "slow answers": (slowly(priced_by("2"), 0.2), "latency"),
    "wrong prices": (priced_by("2", factor=1.5), "deviation"),
}


@pytest.mark.parametrize(("behaviour", "reason"), BAD_CANARIES.values(), ids=BAD_CANARIES.keys())
def test_a_bad_canary_is_stopped_and_no_request_fails(tmp_path: Path, behaviour: Behaviour, reason: str) -> None:
    path = tmp_path / "routes.json"
    stopped = f'housing_price_canary_stopped_total{{reason="{reason}",version="2"}} 1.0'
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, canary_routes(1, blue, green))
        deadline = {"ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "2"}
        with orchestrator(path, variables=deadline) as url, steady_load_on(url) as load:
            wait_until(lambda: "2" in {versions for _, versions in load.answers}, "the canary did not answer")
            green.behaviour = behaviour
            wait_until(lambda: stopped in metrics_of(url), "the canary was not stopped")
            wait_until(lambda: not knows(url, green), "the canary was not closed")
            closed_at = time.monotonic()
            wait_until(lambda: len(load.asked_since(closed_at)) > 50, "no further answers")
            assert {versions for _, versions in load.asked_since(closed_at)} == {"1"}
            # Further routes are a new beginning.
            green.behaviour = priced_by("2")
            put(path, canary_routes(2, blue, green, weight=0.5))
            wait_until(lambda: load.answers[-1][1] == "2", "the canary was not tried again")
    assert {status for status, _ in load.answers} == {200}
    assert {versions for _, versions in load.answers} == {"1", "2"}


def test_a_canary_that_does_not_answer_is_not_asked_for_callers(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        green.goes_away()
        put(path, canary_routes(1, blue, green, weight=0.9))
        with orchestrator(path) as url, load_on(url) as load:
            wait_until(lambda: knows(url, green), "the routes were not seen")
            assert 'housing_price_variant_weight{variant="canary",version="2"} 0.0' in metrics_of(url)
            wait_until(lambda: load.has_seen("1"), "the champion did not answer")
            green.comes_back()
            wait_until(lambda: "2" in {versions for _, versions in load.answers}, "the canary was not asked")
    assert {status for status, _ in load.answers} == {200}


def test_a_canary_becomes_the_champion_under_load(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, canary_routes(1, blue, green, weight=0.5))
        with orchestrator(path) as url, load_on(url) as load:
            wait_until(lambda: "1+2" in {versions for _, versions in load.answers}, "the canary did not answer")
            put(path, routes_json(2, a_route("2", green.url)))
            wait_until(lambda: load.has_seen("2"), "the canary did not take over")
            wait_until(lambda: not knows(url, blue), "the old champion was not closed")
    assert {status for status, _ in load.answers} == {200}


def test_what_is_under_way_ends_where_it_began(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, routes_json(champion=a_route("1", blue.url)))
        with orchestrator(path) as url, ThreadPoolExecutor(1) as pool:
            is_let_go = threading.Event()

            async def waits(call: Call, writer: asyncio.StreamWriter) -> None:
                if "readiness" not in call.headers.get("x-request-id", ""):
                    await asyncio.to_thread(is_let_go.wait, 30)
                await priced_by("1")(call, writer)

            blue.behaviour = waits
            asked = len(blue.calls)
            asking = pool.submit(httpx.post, url + PREDICT, json=house_json(), timeout=30, trust_env=False)
            wait_until(lambda: any("readiness" not in one.headers["x-request-id"] for one in blue.calls[asked:]), "-")
            put(path, routes_json(revision=2, champion=a_route("2", green.url)))
            wait_until(lambda: "housing_price_routes_revision 2.0" in metrics_of(url), "the routes were not followed")
            answer = httpx.post(url + PREDICT, json=house_json(), timeout=30, trust_env=False)
            assert answer.json()["model"]["version"] == "2"
            assert knows(url, blue)
            is_let_go.set()
            assert asking.result(30).json()["model"]["version"] == "1"
            wait_until(lambda: not knows(url, blue), "the old one was not closed")


def test_a_stopped_canary_is_aborted_for_all_by_one_job(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    jobs = {
        "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}",
        "ORCHESTRATOR_JOBS__FOLDER": str(tmp_path / "jobs"),
    }
    with serving_version("1") as blue, serving_version("2") as green:
        put(path, canary_routes(7, blue, green, weight=0.5))
        # Two services that share the routes and the jobs, as replicas do.
        with orchestrator(path, variables=jobs) as one, orchestrator(path, variables=jobs) as other:
            for url in (one, other):
                wait_until(partial(has_canary_weight, url, 0.5), "the canary was not opened")
            green.behaviour = says(500)
            for url in (one, other):
                with load_on(url):
                    wait_until(partial(is_stopped, url), "the canary was not stopped")
                assert stopped_in(url)["version"] == "2"
                assert weight_of_canary(url) == 0
            found: list[dict[str, Any]] = []

            def has_job() -> bool:
                found[:] = httpx.get(one + "/api/v1/jobs", trust_env=False).json()["jobs"]
                return bool(found)

            wait_until(has_job, "no job was submitted")
            (job,) = found
            assert (job["type"], job["state"]) == ("lifecycle", "queued")
            # By hand it is another job, which the worker finds done already.
            assert httpx.post(one + "/api/v1/models/2/abort", trust_env=False).json()["id"] != job["id"]


def test_what_was_seen_of_each_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    with serving_version("1") as blue, serving_version("2") as green, serving_version("3") as grey:
        routes = json.loads(canary_routes(1, blue, green, weight=0.5))
        put(path, json.dumps(routes | {"shadow": a_route("3", grey.url, sample=1.0)}))
        with orchestrator(path) as url, load_on(url):
            parts = ("champion", "canary", "shadow")

            def all_are_seen() -> bool:
                found = models_of(url)
                return all(found[part]["seen"]["requests"] > 10 for part in parts)

            wait_until(all_are_seen, "some version was not seen")
            found = models_of(url)
            assert [found[part]["version"] for part in parts] == ["1", "2", "3"]
            assert [found[part]["weight"] for part in parts] == [0.5, 0.5, 0.0]
            assert [found[part]["seen"]["errors"] for part in parts] == [0, 0, 0]
            wait_until(lambda: models_of(url)["canary"]["seen"]["medianDeviation"] == 0, "nothing was compared")
            said = metrics_of(url)
            for part, version in zip(parts, "123", strict=True):
                assert f'housing_price_variant_rows_total{{variant="{part}",version="{version}"}}' in said


def models_of(url: str) -> Any:
    return httpx.get(url + "/api/v1/models", trust_env=False).json()


def weight_of_canary(url: str) -> Any:
    return models_of(url)["canary"]["weight"]


def has_canary_weight(url: str, weight: float) -> bool:
    return bool(weight_of_canary(url) == weight)


def stopped_in(url: str) -> Any:
    return models_of(url)["stopped"]


def is_stopped(url: str) -> bool:
    return stopped_in(url) is not None
