"""The prediction log of the shipped program: nothing is lost unseen, and no request suffers."""

import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import batch_bytes, house_bytes, houses_json
from servers import LISTENS, Process, StubModelServer
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"


@contextmanager
def serving(stub: StubModelServer, file: Path, **variables: str) -> Iterator[tuple[Process, httpx.Client]]:
    with Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=stub.url,
        ORCHESTRATOR_PREDICTION_LOG__URL=f"sqlite:///{file}",
        ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
        **variables,
    ) as process:
        url = process.says(LISTENS)[1]
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            wait_until(lambda: is_alive(client), "it does not answer")
            yield process, client


def is_alive(client: httpx.Client) -> bool:
    """With several workers, the line with the address comes before any of them listens."""
    try:
        return client.get("/livez").is_success
    except httpx.ConnectError:
        return False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def logged(file: Path) -> dict[str, tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT transaction_id, house_id, price_usd, low_usd, high_usd FROM prediction")
        return {transaction_id: tuple(rest) for transaction_id, *rest in rows}


def answered(prediction: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    interval = prediction["priceInterval"]
    return prediction["transactionId"], (
        prediction["id"],
        prediction["predictedPrice"],
        interval["low"],
        interval["high"],
    )


def price(client: httpx.Client, number: int) -> tuple[str, tuple[Any, ...]]:
    answer = client.post(PREDICT, content=house_bytes(id=number, lotArea=5_000 + number))
    assert answer.status_code == 200, answer.text
    return answered(answer.json())


def figure(client: httpx.Client, name: str) -> int:
    page = client.get("/metrics").text
    (value,) = re.findall(rf"^housing_price_prediction_log_{name} (\S+)$", page, re.MULTILINE)
    return int(float(value))


def test_a_killed_process_loses_nothing_but_what_was_queued(stub: StubModelServer, file: Path) -> None:
    with serving(stub, file) as (process, client):
        kept = dict(price(client, number) for number in range(1, 101))
        wait_until(lambda: figure(client, "stored_rows_total") == 100, "they were not stored")
        perhaps = dict(price(client, number) for number in range(101, 201))
        process.kill()
    found = logged(file)
    assert kept.items() <= found.items() <= (kept | perhaps).items()
    # A new process is not hindered by the state that the killed one left.
    with serving(stub, file) as (process, client):
        later = dict([price(client, 300)])
        assert process.stop() == 0
    assert logged(file) == found | later


def test_a_locked_database_costs_no_request_and_every_price_is_accounted_for(stub: StubModelServer, file: Path) -> None:
    requests, rows = 15, 1_000
    with serving(stub, file, ORCHESTRATOR_PREDICTION_LOG__MAX_QUEUED_ROWS="10000") as (process, client):
        wait_until(file.exists, "it was not made")
        price(client, 1)
        wait_until(lambda: figure(client, "stored_rows_total") == 1, "it was not stored")
        body = batch_bytes(houses_json(rows))
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            statuses = [client.post(BATCH, content=body).status_code for _ in range(requests)]
            price(client, 2)
            assert figure(client, "dropped_rows_total") == 5_001
            other.execute("ROLLBACK")
        assert statuses == [200] * requests
        wait_until(lambda: figure(client, "queued_rows") == 0, "the log did not come back")
        stored, dropped = figure(client, "stored_rows_total"), figure(client, "dropped_rows_total")
        assert stored + dropped == requests * rows + 2
        assert process.stop() == 0
    assert len(logged(file)) == stored == 10_001


def test_several_workers_write_into_one_file_and_leave_nothing_behind(stub: StubModelServer, file: Path) -> None:
    with serving(stub, file, ORCHESTRATOR_SERVER__WORKERS="2") as (process, client):
        url = client.base_url

        def several(first: int) -> list[tuple[str, tuple[Any, ...]]]:
            # Connections of its own, so that both workers get some.
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as own:
                return [price(own, number) for number in range(first, first + 50)]

        with ThreadPoolExecutor(8) as pool:
            told = dict(one for some in pool.map(several, range(1, 401, 50)) for one in some)
        assert process.stop(signal.SIGTERM) == 0
    assert logged(file) == told
    assert len(told) == 400


def test_a_place_that_cannot_be_written_to_does_not_keep_it_from_pricing(stub: StubModelServer, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "log.db"
    with serving(stub, nowhere) as (process, client):
        price(client, 1)
        wait_until(lambda: "prediction log: database unavailable" in process.output, "it did not say so")
        assert figure(client, "away") == 1
        nowhere.parent.mkdir()
        wait_until(lambda: "prediction log: database available again" in process.output, "it did not say so")
        wait_until(lambda: figure(client, "stored_rows_total") == 1, "it was not stored")
        assert process.stop() == 0
    assert len(logged(nowhere)) == 1


def test_a_bad_address_stops_the_start_and_names_its_variable(stub: StubModelServer) -> None:
    with Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=stub.url,
        ORCHESTRATOR_PREDICTION_LOG__URL="oracle://somewhere",
    ) as process:
        assert process.wait() == 2
        assert "ORCHESTRATOR_PREDICTION_LOG__URL" in process.output
