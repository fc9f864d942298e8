"""The metrics of several worker processes, as one service shows them."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from factories import house_bytes
from servers import LISTENS, SECONDS_FOR_A_START, Process, StubModelServer

PREDICT = "/api/v1/price/predict"
STEP, MOST = 100, 5_000


class Service:
    """Two workers; each request over a connection of its own, so that both get some."""

    def __init__(self, process: Process, http: httpx.Client) -> None:
        self.process = process
        self.http = http

    def total(self, name: str) -> float:
        page = self.http.get("/metrics").text
        samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
        return sum(
            sample.value for sample in samples if sample.name == name and sample.labels.get("route", PREDICT) == PREDICT
        )

    def workers(self) -> float:
        try:
            return self.total("housing_price_workers")
        except httpx.ConnectError:
            # The port is taken before anybody listens on it.
            return 0

    def counts(self, name: str, value: float) -> None:
        """Wait until a counter has a value; whichever worker is asked, it never goes down and never beyond."""
        last = 0.0

        def read() -> float:
            nonlocal last
            now = self.total(name)
            assert last <= now <= value
            last = now
            return now

        comes_to(read, value)
        assert [read() for _ in range(10)] == [value] * 10

    def price(self, count: int) -> None:
        def one(number: int) -> int:
            return self.http.post(PREDICT, content=house_bytes(id=number + 1)).status_code

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(one, range(count))) == [200] * count


def comes_to(read: Callable[[], float], value: float) -> None:
    deadline = time.monotonic() + SECONDS_FOR_A_START
    while (now := read()) != value:
        assert time.monotonic() < deadline, f"{now} instead of {value}"
        time.sleep(0.05)


@pytest.fixture
def service(stub: StubModelServer, tmp_path: Path) -> Iterator[Service]:
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
        "ORCHESTRATOR_SERVER__WORKERS": "2",
        "ORCHESTRATOR_METRICS__FOLDER": str(tmp_path),
        "ORCHESTRATOR_LOG__FORMAT": "json",
    }
    with Process(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0", **variables) as process:
        url = process.says(LISTENS)[1]
        no_reuse = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=url, timeout=30, trust_env=False, limits=no_reuse) as http:
            yield Service(process, http)


def test_what_two_workers_count_adds_up_exactly_and_outlives_one_of_them(service: Service, tmp_path: Path) -> None:
    comes_to(service.workers, 2)
    asked = 0
    while asked == 0 or not all(_predicted(path) for path in tmp_path.glob("*.json")):
        # Until both workers have had some; which one takes a connection is up to the system.
        service.price(STEP)
        asked += STEP
        service.counts("housing_price_request_duration_seconds_count", asked)
        assert asked < MOST, "one worker gets everything"
    for name in (
        "housing_price_request_rows_total",
        "housing_price_prices_total",
        "housing_price_predicted_price_usd_count",
    ):
        service.counts(name, asked)
    assert sum(_predicted(path) for path in tmp_path.glob("*.json")) == asked

    killed = int(re.split("[-.]", next(tmp_path.glob("*.json")).name)[0])
    os.kill(killed, signal.SIGKILL)
    # The supervisor starts another one; what the dead one counted is still counted, and it is no worker any more.
    comes_to(lambda: float(len(list(tmp_path.glob("*.json")))), 3)
    comes_to(service.workers, 2)
    service.price(STEP)
    service.counts("housing_price_prices_total", asked + STEP)
    assert service.process.stop() == 0


def _predicted(path: Path) -> int:
    _, snapshot = json.loads(path.read_bytes())
    (series,) = snapshot["housing_price_predicted_price_usd"]
    return int(sum(series[1][:-1]))
