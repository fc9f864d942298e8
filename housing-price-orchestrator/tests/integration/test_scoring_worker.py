"""The real API, its real queue and real workers, one of which is killed; the model server is the stub."""

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import house_json, houses_json
from servers import LISTENS, Process, StubModelServer, hangs, prediction_for, predicts, says

COMMAND = (sys.executable, "-m", "housing_price_orchestrator")
CSV, NDJSON = {"content-type": "text/csv"}, {"content-type": "application/x-ndjson"}
SECONDS = 90


class Bench:
    """An API, and workers that are started one after the other."""

    def __init__(self, api: str, variables: dict[str, str]) -> None:
        self.api = api
        self._variables = variables

    def worker(self, **variables: str) -> Process:
        return Process(*COMMAND, "worker", **self._variables | variables)

    def submit(self, content: bytes, headers: dict[str, str]) -> str:
        answer = httpx.post(f"{self.api}/api/v1/jobs/scoring", content=content, headers=headers, timeout=60)
        assert answer.status_code == 202, answer.text
        return self.api + answer.headers["location"]

    def wait(self, url: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while True:
            job: dict[str, Any] = httpx.get(url, timeout=30).json()
            if is_so(job):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.05)

    def end_of(self, url: str) -> dict[str, Any]:
        return self.wait(url, lambda job: job["state"] in {"succeeded", "failed", "cancelled"})


@pytest.fixture
def bench(stub: StubModelServer, tmp_path: Path) -> Iterator[Bench]:
    variables = {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
        "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db",
        "ORCHESTRATOR_JOBS__FOLDER": str(tmp_path / "jobs"),
        "ORCHESTRATOR_JOBS__ROWS_PER_STEP": "100",
    }
    with Process(*COMMAND, "serve", ORCHESTRATOR_SERVER__PORT="0", **variables) as api:
        yield Bench(api.says(LISTENS)[1], variables)


def lines_of(documents: list[Any]) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def csv_of(documents: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, documents[0])
    writer.writeheader()
    writer.writerows(documents)
    return text.getvalue().encode()


def test_a_worker_that_is_killed_loses_no_row_and_prices_none_twice(bench: Bench, stub: StubModelServer) -> None:
    rows = 2_000
    url = bench.submit(csv_of(houses_json(rows)), CSV)
    seen = 0

    def hangs_after_ten_calls() -> None:
        # The third step never ends, so that the kill comes in its middle whatever the machine's speed.
        async def behave(call: Any, writer: Any) -> None:
            nonlocal seen
            seen += len(call.rows)
            await (hangs if seen > 350 else predicts())(call, writer)

        stub.behaviour = behave

    hangs_after_ten_calls()
    with bench.worker() as first:
        first.says("job taken")
        job = bench.wait(url, lambda job: (job["progress"] or {}).get("rowsDone", 0) >= 200)
        assert job["state"] == "running"
        first.kill()
    stub.behaviour = predicts()
    with bench.worker() as second:
        job = bench.end_of(url)
        assert job["state"] == "succeeded", second.output
        assert job["progress"] == {"rowsDone": rows, "rowsTotal": rows}
        found = list(csv.DictReader(io.StringIO(httpx.get(f"{url}/result", timeout=30).text)))
        assert [int(row["row"]) for row in found] == list(range(1, rows + 1))
        assert [int(row["id"]) for row in found] == list(range(1, rows + 1))
        assert httpx.get(f"{url}/refused", timeout=30).content == b""
        assert second.stop() == 0


def test_each_row_is_priced_as_the_api_prices_it_or_refused_by_its_number(bench: Bench) -> None:
    good = house_json(id=7)
    documents = [good, house_json(street="Dummy"), {"id": 1}, house_json(id=9)]
    content = lines_of(documents) + b"\n{broken\n" + b'"' + b"x" * 100_000 + b'"\n' + lines_of([house_json(id=11)])[:-1]
    with bench.worker():
        url = bench.submit(content, NDJSON)
        assert bench.end_of(url)["state"] == "succeeded"
        priced = [json.loads(line) for line in httpx.get(f"{url}/result", timeout=30).text.splitlines()]
        refused = [json.loads(line) for line in httpx.get(f"{url}/refused", timeout=30).text.splitlines()]
        alone = httpx.post(f"{bench.api}/api/v1/price/predict", json=good, timeout=30).json()
    assert [(one["row"], one["id"]) for one in priced] == [(1, 7), (4, 9), (7, 11)]
    assert {key: value for key, value in priced[0].items() if key != "row"} == {
        key: value for key, value in alone.items() if key != "transactionId"
    }
    assert [(one["row"], one["code"]) for one in refused] == [
        (2, "invalid-document"),
        (3, "invalid-document"),
        (5, "invalid-document"),
        (6, "document-too-large"),
    ]
    assert refused[0]["errors"][0]["loc"] == ["body", "street"]


def test_csv_says_the_same_as_json(bench: Bench) -> None:
    documents = houses_json(3)
    rows = csv_of(documents).decode().splitlines()
    # A whole number with a point is whole; a word where a number belongs, and cells too many, are not to be priced.
    whole = rows[1].replace(",2010,", ",2010.0,", 1)
    assert whole != rows[1]
    content = "\r\n".join([rows[0], whole, *rows[2:], rows[1] + ",1", rows[1].replace("5000", "many"), 'a"b']).encode()
    with bench.worker():
        first, second = bench.submit(b"\xef\xbb\xbf" + content, CSV), bench.submit(lines_of(documents), NDJSON)
        assert {bench.end_of(url)["state"] for url in (first, second)} == {"succeeded"}
        as_csv = list(csv.DictReader(io.StringIO(httpx.get(f"{first}/result", timeout=30).text)))
        as_json = [json.loads(line) for line in httpx.get(f"{second}/result", timeout=30).text.splitlines()]
        refused = [json.loads(line) for line in httpx.get(f"{first}/refused", timeout=30).text.splitlines()]
    assert [(int(row["id"]), float(row["predictedPrice"])) for row in as_csv] == [
        (row["id"], row["predictedPrice"]) for row in as_json
    ]
    assert [row["row"] for row in refused] == [4, 5, 6]
    assert refused[1]["errors"][0]["loc"] == ["body", "lotArea"]


@pytest.mark.parametrize("header", [b"id,colour\n", b"id,id\n", b"\xff\xfe\n", b"id\n", b"\n"])
def test_a_header_that_cannot_be_used_fails_the_job_and_says_why(bench: Bench, header: bytes) -> None:
    with bench.worker():
        job = bench.end_of(bench.submit(header + b"1,2\n", CSV))
    assert (job["state"], job["error"]["code"]) == ("failed", "input-unusable")
    assert "header" in job["error"]["detail"]


def test_a_model_server_that_is_away_is_waited_for_and_then_named(bench: Bench, stub: StubModelServer) -> None:
    stub.behaviour = says(503)
    with bench.worker(ORCHESTRATOR_JOBS__PATIENCE_SECONDS="600") as patient:
        url = bench.submit(lines_of(houses_json(3)), NDJSON)
        patient.says("no prices, trying again")
        stub.behaviour = predicts()
        assert bench.end_of(url)["state"] == "succeeded"
    stub.behaviour = says(500)
    with bench.worker(ORCHESTRATOR_JOBS__PATIENCE_SECONDS="0.1"):
        job = bench.end_of(bench.submit(lines_of(houses_json(3)), NDJSON))
        assert (job["state"], job["error"]["code"]) == ("failed", "model-server-failed")


def test_a_row_without_a_sensible_price_is_refused_alone(bench: Bench, stub: StubModelServer) -> None:
    async def one_is_negative(call: Any, writer: Any) -> None:
        made = [prediction_for(row) for row in call.rows]
        for row, one in zip(call.rows, made, strict=True):
            one["price"] *= -1 if 5_001 in row else 1
        await predicts(lambda _: {"predictions": made})(call, writer)

    stub.behaviour = one_is_negative
    with bench.worker():
        url = bench.submit(lines_of(houses_json(3)), NDJSON)
        assert bench.end_of(url)["state"] == "succeeded"
        refused = [json.loads(line) for line in httpx.get(f"{url}/refused", timeout=30).text.splitlines()]
    assert [(one["row"], one["code"]) for one in refused] == [(2, "price-implausible")]


def test_two_workers_of_one_name_do_not_run_side_by_side(bench: Bench) -> None:
    with bench.worker() as first:
        first.says("worker ready")
        with bench.worker() as second:
            assert second.wait() == 2
        assert "runs already" in second.output
        assert first.stop() == 0
    with bench.worker() as third:
        third.says("worker ready")


def test_a_worker_says_what_it_needs() -> None:
    with Process(*COMMAND, "worker") as worker:
        assert worker.wait() == 2
    assert "ORCHESTRATOR_JOBS__DATABASE_URL" in worker.output
