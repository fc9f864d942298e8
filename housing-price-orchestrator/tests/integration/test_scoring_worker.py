"""The real API, its real queue and real workers, one of which is killed; the model server is the stub."""

import base64
import contextlib
import csv
import io
import json
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from factories import SURVEY, house_json, houses_json, ranges_json
from housing_price_orchestrator.shared.view.job_report import ScoringReport
from housing_price_platform.jobs.database import worker_engine
from servers import LISTENS, Process, StubModelServer, hangs, prediction_for, predicts, says
from waiting import wait_until

COMMAND = (sys.executable, "-m", "housing_price_orchestrator")
CSV, NDJSON = {"content-type": "text/csv"}, {"content-type": "application/x-ndjson"}
PARQUET = {"content-type": "application/vnd.apache.parquet"}
SECONDS = 90
FULL_DISK = Path(__file__).with_name("full_disk")
"""A folder with a `sitecustomize` module, which makes writes of the worker fail while a file exists."""


class Bench:
    """An API, and workers that are started one after the other."""

    def __init__(self, api: str, variables: dict[str, str]) -> None:
        self.api = api
        self.variables = variables

    def worker(self, name: str = "worker-1", **variables: str) -> Process:
        return Process(*COMMAND, "worker", "--name", name, **self.variables | variables)

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


def variables_of(stub: StubModelServer, folder: Path, database_url: str) -> dict[str, str]:
    return {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
        "ORCHESTRATOR_JOBS__DATABASE_URL": database_url,
        "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
        "ORCHESTRATOR_JOBS__ROWS_PER_STEP": "100",
    }


@pytest.fixture
def bench(stub: StubModelServer, tmp_path: Path) -> Iterator[Bench]:
    with started(variables_of(stub, tmp_path, f"sqlite:///{tmp_path}/jobs.db")) as made:
        yield made


@pytest.fixture
def each_bench(stub: StubModelServer, tmp_path: Path, database_url: str) -> Iterator[Bench]:
    """One on SQLite, and one on a real Postgres."""
    with started(variables_of(stub, tmp_path, database_url)) as made:
        yield made


class Shared(Bench):
    """An API with one worker, and the stub behind both."""

    def __init__(self, bench: Bench, running: Process, stub: StubModelServer) -> None:
        super().__init__(bench.api, bench.variables)
        self.running = running
        self.stub = stub


@pytest.fixture(scope="module")
def of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("shared")
    with (
        StubModelServer() as stub,
        started(variables_of(stub, folder, f"sqlite:///{folder}/jobs.db")) as bench,
        bench.worker() as running,
    ):
        yield Shared(bench, running, stub)


@pytest.fixture
def shared(of_the_module: Shared) -> Iterator[Shared]:
    """For tests that only submit files: they share a worker, as callers do. Each changes the stub for itself alone."""
    yield of_the_module
    of_the_module.stub.behaviour = predicts()


@contextlib.contextmanager
def started(variables: dict[str, str]) -> Iterator[Bench]:
    with Process(*COMMAND, "serve", ORCHESTRATOR_SERVER__PORT="0", **variables) as api:
        yield Bench(api.says(LISTENS)[1], variables)


def is_gone(url: str) -> bool:
    return httpx.get(url, timeout=30).status_code == 404


def lines_of(documents: list[Any]) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def parquet_of(documents: list[dict[str, Any]]) -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(documents), made)
    return made.getvalue()


def csv_of(documents: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, documents[0])
    writer.writeheader()
    writer.writerows(documents)
    return text.getvalue().encode()


def test_the_first_rows_of_a_new_worker_have_their_warnings(bench: Bench, stub: StubModelServer) -> None:
    stub.ranges = ranges_json()
    houses = [house_json(id=number, yrSold=2026 if number % 2 else 2010) for number in range(1, 151)]
    url = bench.submit(lines_of(houses), NDJSON)
    with bench.worker() as worker:
        assert bench.end_of(url)["state"] == "succeeded", worker.output
    rows = [json.loads(line) for line in httpx.get(f"{url}/result", timeout=30).text.splitlines()]
    warned = [row["id"] for row in rows if "warnings" in row]
    assert warned == list(range(1, 151, 2))


@pytest.mark.parametrize(("successor", "kind"), [("worker-1", "csv"), ("worker-2", "parquet")])
def test_a_worker_that_is_killed_loses_no_row_and_prices_none_twice(
    each_bench: Bench, stub: StubModelServer, tmp_path: Path, successor: str, kind: str
) -> None:
    """Whether it comes back, or another one goes on with its job."""
    bench, rows, seen = each_bench, 2_000, 0
    documents = [*houses_json(rows - 1), house_json(id=rows, street="Dummy")]
    url = bench.submit(csv_of(documents), CSV) if kind == "csv" else bench.submit(parquet_of(documents), PARQUET)

    async def hangs_in_the_fourth_step(call: Any, writer: Any) -> None:
        # So that the kill comes in its middle whatever the machine's speed.
        nonlocal seen
        seen += len(call.rows)
        await (hangs if seen > 350 else predicts())(call, writer)

    stub.behaviour = hangs_in_the_fourth_step
    with bench.worker() as first:
        first.says("job taken")
        job = bench.wait(url, lambda job: (job["progress"] or {}).get("rowsDone", 0) >= 200)
        assert job["state"] == "running"
        first.kill()
    stub.behaviour = predicts()
    with bench.worker(successor) as second:
        job = bench.end_of(url)
        assert job["state"] == "succeeded", second.output
        assert job["progress"] == {"rowsDone": rows, "rowsTotal": rows}
        result = httpx.get(f"{url}/result", timeout=30)
        if kind == "csv":
            found = list(csv.DictReader(io.StringIO(result.text)))
        else:
            assert result.headers["content-type"] == PARQUET["content-type"]
            found = pq.read_table(io.BytesIO(result.content)).to_pylist()
        assert [int(row["row"]) for row in found] == list(range(1, rows))
        assert [int(row["id"]) for row in found] == list(range(1, rows))
        refused = httpx.get(f"{url}/refused", timeout=30).text.splitlines()
        assert [json.loads(line)["row"] for line in refused] == [rows]
        assert second.stop() == 0
    # The steps that had come to their ends were not done again.
    assert seen <= 350 + 1_000
    left = [path for path in (tmp_path / "jobs").rglob("*") if path.is_file() and path.parent.name != "workers"]
    assert sorted(path.parent.name for path in left) == ["results", "results"]


def test_several_workers_share_a_queue_and_each_does_one_job_at_a_time(
    each_bench: Bench, stub: StubModelServer
) -> None:
    stub.behaviour = says(503)
    urls = [each_bench.submit(lines_of(houses_json(3)), NDJSON) for _ in range(4)]
    with each_bench.worker("one") as one, each_bench.worker("two") as two:
        for worker in (one, two):
            worker.says("job taken")
        states = [httpx.get(url, timeout=30).json()["state"] for url in urls]
        assert sorted(states) == ["queued", "queued", "running", "running"]
        # Each worker looks for dead workers every two seconds, and leaves jobs of live ones alone.
        for worker in (one, two):
            for _ in range(4):  # with pauses of 3.5 s in all
                worker.says("pricing failed, retrying")
        assert sorted(httpx.get(url, timeout=30).json()["state"] for url in urls) == sorted(states)
        stub.behaviour = predicts()
        assert {each_bench.end_of(url)["state"] for url in urls} == {"succeeded"}
        for worker in (one, two):
            assert "job requeued" not in worker.output


def test_fifty_submissions_with_one_key_are_one_job(each_bench: Bench) -> None:
    content, headers = lines_of(houses_json(2)), {**NDJSON, "idempotency-key": "once"}
    with each_bench.worker(), ThreadPoolExecutor(10) as threads:
        urls = set(threads.map(lambda _: each_bench.submit(content, headers), range(50)))
        (url,) = urls
        assert each_bench.end_of(url)["state"] == "succeeded"
    assert len(httpx.get(f"{each_bench.api}/api/v1/jobs", timeout=30).json()["jobs"]) == 1


def test_a_cancelled_job_stops_and_leaves_no_files(bench: Bench, stub: StubModelServer, tmp_path: Path) -> None:
    stub.behaviour = says(503)
    with bench.worker() as worker:
        url = bench.submit(lines_of(houses_json(3)), NDJSON)
        worker.says("pricing failed, retrying")
        assert httpx.delete(url, timeout=30).json()["state"] == "cancelled"
        stub.behaviour = predicts()
        # The worker is free again.
        assert bench.end_of(bench.submit(lines_of(houses_json(3)), NDJSON))["state"] == "succeeded"
        assert bench.end_of(url)["state"] == "cancelled"
        wait_until(lambda: not any((tmp_path / "jobs" / "work").iterdir()), "what was being made stayed")
    assert not any((tmp_path / "jobs" / "incoming").iterdir())


def test_old_jobs_are_deleted_with_all_their_files_and_no_others(
    each_bench: Bench, stub: StubModelServer, tmp_path: Path
) -> None:
    bench, jobs = each_bench, tmp_path / "jobs"
    with bench.worker():
        old = [bench.submit(lines_of(houses_json(3)), NDJSON), bench.submit(b"id,colour\n1,2\n", CSV)]
        assert [bench.end_of(url)["state"] for url in old] == ["succeeded", "failed"]
    stub.behaviour = says(503)
    going_on = bench.submit(lines_of(houses_json(3)), NDJSON)
    waiting = bench.submit(lines_of(houses_json(3)), NDJSON)
    stray = jobs / "incoming" / "left-behind.csv"
    stray.touch()
    os.utime(stray, (1, 1))
    a_millisecond = f"{1 / 24 / 3600 / 1000:.12f}"
    with bench.worker(ORCHESTRATOR_JOBS__RETENTION_DAYS=a_millisecond) as worker:
        worker.says("old jobs deleted")
        for url in old:
            wait_until(partial(is_gone, url), "an old job stayed")
        wait_until(lambda: not stray.exists(), "a stray stayed")
        assert not any((jobs / "results").iterdir())
        # Queued and running jobs keep their files, however old these are.
        assert len(list((jobs / "incoming").iterdir())) == 2
        stub.behaviour = predicts()
        assert {bench.end_of(url)["state"] for url in (going_on, waiting)} == {"succeeded"}


def test_what_is_pickled_in_the_database_is_read_by_nobody(each_bench: Bench, tmp_path: Path) -> None:
    """Rows of the database never run code, neither in a worker nor in the API."""
    trap = tmp_path / "sprung"
    pickled = base64.b64encode(pickle.dumps(Trap(trap))).decode()
    url = each_bench.submit(lines_of(houses_json(3)), NDJSON)
    engine = worker_engine(make_url(sqlalchemy_url(each_bench)), connections=1, wait_seconds=10)
    schema = "" if engine.dialect.name == "sqlite" else "dbos."
    mark = sa.text(f"UPDATE {schema}workflow_status SET inputs = :inputs, serialization = 'py_pickle'")  # noqa: S608
    with engine.begin() as connection:
        connection.execute(mark, {"inputs": pickled})
    with each_bench.worker() as worker:
        worker.says("worker ready")
        assert each_bench.end_of(url)["error"]["code"] == "internal-error"
        assert httpx.get(f"{each_bench.api}/api/v1/jobs", timeout=30).status_code == 200
        good = each_bench.submit(lines_of(houses_json(3)), NDJSON)
        assert each_bench.end_of(good)["state"] == "succeeded"
    events = sa.text(f"UPDATE {schema}workflow_events SET value = :value, serialization = 'py_pickle'")  # noqa: S608
    results = sa.text(f"UPDATE {schema}workflow_status SET output = :value, serialization = 'py_pickle'")  # noqa: S608
    with engine.begin() as connection:
        connection.execute(events, {"value": pickled})
        connection.execute(results, {"value": pickled})
    engine.dispose()
    assert httpx.get(good, timeout=30).json()["progress"] is None
    assert httpx.get(f"{good}/result", timeout=30).status_code == 409
    assert httpx.delete(good, timeout=30).status_code == 409
    assert not trap.exists()
    # The trap is one: what unpickles it springs it.
    pickle.loads(base64.b64decode(pickled))  # noqa: S301 - our own
    assert trap.exists()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def sqlalchemy_url(bench: Bench) -> str:
    return bench.variables["ORCHESTRATOR_JOBS__DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")


def test_a_file_that_is_no_parquet_fails_its_job_and_says_why(shared: Shared) -> None:
    for content, says_so in (
        (b"PAR1 or so", "Not a readable Parquet file"),
        (parquet_of([house_json() | {"colour": "red"}]), "Unknown: 'colour'"),
    ):
        job = shared.end_of(shared.submit(content, PARQUET))
        assert (job["state"], job["error"]["code"]) == ("failed", "input-unusable")
        assert says_so in job["error"]["detail"]
    assert shared.end_of(shared.submit(parquet_of([house_json()]), PARQUET))["state"] == "succeeded"


def test_each_row_is_priced_as_the_api_prices_it_or_refused_by_its_number(shared: Shared) -> None:
    good = house_json(id=7)
    documents = [good, house_json(street="Dummy"), {"id": 1}, house_json(id=9)]
    content = lines_of(documents) + b"\n{broken\n" + b'"' + b"x" * 100_000 + b'"\n' + lines_of([house_json(id=11)])[:-1]
    url = shared.submit(content, NDJSON)
    assert shared.end_of(url)["state"] == "succeeded"
    priced = [json.loads(line) for line in httpx.get(f"{url}/result", timeout=30).text.splitlines()]
    refused = [json.loads(line) for line in httpx.get(f"{url}/refused", timeout=30).text.splitlines()]
    alone = httpx.post(f"{shared.api}/api/v1/price/predict", json=good, timeout=30).json()
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


@pytest.mark.parametrize("rows_left", [50, 150, 150.5])
def test_a_file_that_shrinks_during_its_job_fails_it(shared: Shared, rows_left: float) -> None:
    """Without an error its job would take steps without rows for ever."""
    lines = lines_of(houses_json(400)).splitlines(keepends=True)
    whole = b"".join(lines[: int(rows_left)])
    size = len(whole) + (len(lines[int(rows_left)]) // 2 if rows_left % 1 else 0)
    incoming = Path(shared.variables["ORCHESTRATOR_JOBS__FOLDER"]) / "incoming"

    async def truncates(call: Any, writer: Any) -> None:
        if len(call.rows) == 100:
            (path,) = incoming.iterdir()
            os.truncate(path, size)
        await predicts()(call, writer)

    shared.stub.behaviour = truncates
    job = shared.end_of(shared.submit(b"".join(lines), NDJSON))
    assert (job["state"], job["error"]["code"]) == ("failed", "input-unusable")
    # The first step has read its rows before the file shrinks; half a line counts as a row.
    rows = max(100, math.ceil(rows_left))
    assert job["error"]["detail"] == (
        f"The input file changed while the job was running. It had 400 rows, and now has {rows}."
    )
    assert list(incoming.iterdir()) == []


@pytest.mark.parametrize("content", [lines_of([house_json(street="Dummy"), {"id": 1}]), b"{}\n"])
def test_a_job_that_prices_no_row_fails_and_keeps_its_refused_rows(bench: Bench, content: bytes) -> None:
    rows = content.count(b"\n")
    with bench.worker() as worker:
        url = bench.submit(content, NDJSON)
        job = bench.end_of(url)
        assert (job["state"], job["error"]["code"]) == ("failed", "no-row-priced")
        assert job["result"] == {"rowsPriced": 0, "rowsRefused": rows}
        refused = httpx.get(f"{url}/refused", timeout=30)
        assert [json.loads(line)["row"] for line in refused.text.splitlines()] == list(range(1, rows + 1))
        assert httpx.get(f"{url}/result", timeout=30).status_code == 409
        # A mistake of the caller is a line in the log and no traceback.
        assert bench.end_of(bench.submit(b"id,colour\n1,2\n", CSV))["error"]["code"] == "input-unusable"
        good = bench.end_of(bench.submit(lines_of([house_json(), {}]), NDJSON))
        assert (good["state"], good["result"]) == ("succeeded", {"rowsPriced": 1, "rowsRefused": 1})
        worker.stop()
        assert "Traceback" not in worker.output


def test_a_full_disk_delays_a_job_and_does_not_fail_it(bench: Bench, tmp_path: Path) -> None:
    """A folder of which no file can be made larger: the error has the kind of a full disk."""
    with bench.worker(FULL_DISK=str(tmp_path / "full"), PYTHONPATH=str(FULL_DISK)) as worker:
        worker.says("worker ready")
        (tmp_path / "full").touch()
        url = bench.submit(lines_of(houses_json(3)), NDJSON)
        worker.says("step failed, retrying")
        assert bench.wait(url, lambda job: job["state"] == "running")["error"] is None
        (tmp_path / "full").unlink()
        assert bench.end_of(url)["state"] == "succeeded", worker.output


def test_refused_rows_of_a_small_file_are_cut_and_the_job_says_so(shared: Shared) -> None:
    content = lines_of([house_json()]) + b"{}\n" * 3_000
    url = shared.submit(content, NDJSON)
    job = shared.end_of(url)
    refused = httpx.get(f"{url}/refused", timeout=30).content
    assert job["state"] == "succeeded", shared.running.output
    shared.running.says("refused rows cut")
    *listed, last = map(json.loads, refused.splitlines())
    assert len(refused) <= 1_000_000
    assert job["progress"]["rowsUnlisted"] == last["unlisted"] == 3_000 - len(listed)


def test_a_copy_of_the_survey_is_priced_as_it_is(shared: Shared) -> None:
    content = "\n".join(SURVEY.read_text(encoding="utf-8").splitlines()[:51]).replace(",", ";").replace(";WD;", ";WD ;")
    url = shared.submit(content.encode(), CSV)
    job = shared.end_of(url)
    priced = list(csv.DictReader(io.StringIO(httpx.get(f"{url}/result", timeout=30).text)))
    assert (job["state"], job["progress"]["rowsDone"]) == ("succeeded", 50)
    assert [int(row["id"]) for row in priced] == list(range(1, 51))


def test_csv_says_the_same_as_json(shared: Shared) -> None:
    documents = houses_json(3)
    rows = csv_of(documents).decode().splitlines()
    # A whole number with a point is whole; a word where a number belongs, and cells too many, are not to be priced.
    whole = rows[1].replace(",2010,", ",2010.0,", 1)
    assert whole != rows[1]
    content = "\r\n".join([rows[0], whole, *rows[2:], rows[1] + ",1", rows[1].replace("5000", "many"), 'a"b']).encode()
    first, second = shared.submit(b"\xef\xbb\xbf" + content, CSV), shared.submit(lines_of(documents), NDJSON)
    assert {shared.end_of(url)["state"] for url in (first, second)} == {"succeeded"}
    as_csv = list(csv.DictReader(io.StringIO(httpx.get(f"{first}/result", timeout=30).text)))
    as_json = [json.loads(line) for line in httpx.get(f"{second}/result", timeout=30).text.splitlines()]
    refused = [json.loads(line) for line in httpx.get(f"{first}/refused", timeout=30).text.splitlines()]
    assert [(int(row["id"]), float(row["predictedPrice"])) for row in as_csv] == [
        (row["id"], row["predictedPrice"]) for row in as_json
    ]
    assert [row["row"] for row in refused] == [4, 5, 6]
    assert refused[1]["errors"][0]["loc"] == ["body", "lotArea"]


@pytest.mark.parametrize("header", [b"id,colour\n", b"id,id\n", b"\xff\xfe\n", b"id\n", b"\n"])
def test_a_header_that_cannot_be_used_fails_the_job_and_says_why(shared: Shared, header: bytes) -> None:
    job = shared.end_of(shared.submit(header + b"1,2\n", CSV))
    assert (job["state"], job["error"]["code"]) == ("failed", "input-unusable")
    assert any(word in job["error"]["detail"] for word in ("header", "UTF-16"))


def test_a_file_in_a_folder_is_priced_where_it_is(stub: StubModelServer, tmp_path: Path) -> None:
    houses = tmp_path / "houses"
    houses.mkdir()
    (houses / "june.csv").write_bytes(csv_of([*houses_json(250), house_json(street="Dummy")]))
    (houses / "secret.csv").symlink_to(tmp_path / "jobs.db")
    uri = f"file://{houses}/"
    variables = variables_of(stub, tmp_path, f"sqlite:///{tmp_path}/jobs.db") | {"ORCHESTRATOR_JOBS__STORES": uri}
    with started(variables) as bench, bench.worker() as worker:

        def price(source: str, output: str) -> tuple[str, dict[str, Any]]:
            order = {"input": uri + source, "output": uri + output}
            answer = httpx.post(f"{bench.api}/api/v1/jobs/scoring", json=order, timeout=30)
            url = bench.api + answer.headers["location"]
            return url, bench.end_of(url)

        url, job = price("june.csv", "prices.parquet")
        assert job["state"] == "succeeded", worker.output
        assert pq.read_table(houses / "prices.parquet").column("row").to_pylist() == list(range(1, 251))
        refused = (houses / "prices.parquet.refused.ndjson").read_text().splitlines()
        assert [json.loads(line)["row"] for line in refused] == [251]
        report = httpx.get(f"{url}/result", timeout=30)
        assert not ScoringReport.model_validate_json(report.content).model_extra
        assert report.json() == {
            "output": f"{uri}prices.parquet",
            "refused": f"{uri}prices.parquet.refused.ndjson",
            "rowsTotal": 251,
            "rowsPriced": 250,
            "rowsRefused": 1,
        }
        order = {"input": f"{uri}june.csv", "output": f"{uri}prices.parquet"}
        assert httpx.post(f"{bench.api}/api/v1/jobs/scoring", json=order, timeout=30).status_code == 409
        for source, output, code in (
            ("july.csv", "july-prices.csv", "input-unusable"),
            ("secret.csv", "secret-prices.csv", "store-failed"),
        ):
            assert price(source, output)[1]["error"]["code"] == code
        names = {"june.csv", "secret.csv", "prices.parquet", "prices.parquet.refused.ndjson"}
        assert {path.name for path in houses.iterdir()} == names
        wait_until(lambda: not any((tmp_path / "jobs" / "work").iterdir()), "what was being made stayed")
    assert not list((tmp_path / "jobs" / "results").iterdir())


def test_a_model_server_that_is_away_is_waited_for_and_then_named(bench: Bench, stub: StubModelServer) -> None:
    stub.behaviour = says(503)
    with bench.worker(ORCHESTRATOR_JOBS__PATIENCE_SECONDS="600") as patient:
        url = bench.submit(lines_of(houses_json(3)), NDJSON)
        patient.says("pricing failed, retrying")
        stub.behaviour = predicts()
        assert bench.end_of(url)["state"] == "succeeded"
    stub.behaviour = says(500)
    with bench.worker(ORCHESTRATOR_JOBS__PATIENCE_SECONDS="0.1"):
        job = bench.end_of(bench.submit(lines_of(houses_json(3)), NDJSON))
        assert (job["state"], job["error"]["code"]) == ("failed", "model-server-failed")


def test_a_row_without_a_sensible_price_is_refused_alone(shared: Shared) -> None:
    async def one_is_negative(call: Any, writer: Any) -> None:
        made = [prediction_for(row) for row in call.rows]
        for row, one in zip(call.rows, made, strict=True):
            one["price"] *= -1 if 5_001 in row else 1
        await predicts(lambda _: {"predictions": made})(call, writer)

    shared.stub.behaviour = one_is_negative
    url = shared.submit(lines_of(houses_json(3)), NDJSON)
    assert shared.end_of(url)["state"] == "succeeded"
    refused = [json.loads(line) for line in httpx.get(f"{url}/refused", timeout=30).text.splitlines()]
    assert [(one["row"], one["code"]) for one in refused] == [(2, "price-implausible")]


def test_two_workers_of_one_name_do_not_run_side_by_side(bench: Bench) -> None:
    with bench.worker() as first:
        first.says("worker ready")
        with bench.worker() as second:
            assert second.wait() == 2
        assert "is already running" in second.output
        assert first.stop() == 0
    with bench.worker() as third:
        third.says("worker ready")


def test_a_worker_says_what_it_needs() -> None:
    with Process(*COMMAND, "worker") as worker:
        assert worker.wait() == 2
    assert "ORCHESTRATOR_JOBS__DATABASE_URL" in worker.output
