"""The operations on jobs, with an in-memory queue; the tests play the worker."""

import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import bearer, new_key, raw_headers, replace_services, settings_for
from fakes import FakeJobQueue
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.documents.upload import UploadLimits
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles, is_being_received
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.errors import JobFilesFull, JobFinished, JobsUnavailable
from housing_price_orchestrator.shared.jobs import NEXT_STATES, Job, JobState
from housing_price_orchestrator.shared.locations import AllowedLocations
from servers import StubModelServer, served
from waiting import wait_until
from wire import head

SCORING, TRAINING, JOBS = "/api/v1/jobs/scoring", "/api/v1/jobs/training", "/api/v1/jobs"
CSV = {"content-type": "text/csv"}
AS_JSON = {"content-type": "application/json"}
STORE = "s3://houses/allowed/"
FILE = b"id,lotArea\n1,2\n"
TWICE = (
    b'{"input": "s3://houses/allowed/a.csv", "input": "s3://houses/allowed/b.csv", '
    b'"output": "s3://houses/allowed/out.csv"}'
)
ONE_DAY = b'{"source": "prediction-log", "from": "2026-06-30", "to": "2026-06-30"}'


class Bench:
    """The application, its job queue and the folder of its job files."""

    def __init__(self, client: TestClient, queue: FakeJobQueue, folder: Path) -> None:
        self.client = client
        self.queue = queue
        self.folder = folder

    def submit(self, content: bytes = FILE, **headers: str) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(SCORING, content=content, headers={**CSV, **names})

    def waiting_files(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.folder / "incoming").glob("*")]


@pytest.fixture
def bench(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> Bench:
    return bench_of(start_app(stub.url), tmp_path / "jobs")


def bench_of(client: TestClient, folder: Path) -> Bench:
    queue = FakeJobQueue()
    replace_services(client, jobs=Jobs(queue, FolderJobFiles(folder), AllowedLocations([STORE]), MoveRulesFiles(None)))
    return Bench(client, queue, folder)


def problem_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:housing-price:problem:")


def test_an_uploaded_file_becomes_a_queued_job(bench: Bench) -> None:
    answer = bench.submit()
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"{JOBS}/{job['id']}"
    assert (job["type"], job["state"], job["progress"], job["error"]) == ("scoring", "queued", None, None)
    assert bench.waiting_files() == [FILE]
    assert bench.client.get(answer.headers["location"]).json() == job


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [("csv", "text/csv"), ("ndjson", "application/x-ndjson"), ("parquet", "application/vnd.apache.parquet")],
)
def test_each_file_format_has_an_operation_that_takes_only_this_format(
    bench: Bench, suffix: str, media_type: str
) -> None:
    path = f"{SCORING}/{suffix}"
    answer = bench.client.post(path, content=FILE, headers={"content-type": f"{media_type}; charset=utf-8"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.headers["location"] == f"{JOBS}/{answer.json()['id']}"
    (received,) = (bench.folder / "incoming").glob("*")
    assert (received.suffix, received.read_bytes()) == (f".{suffix}", FILE)
    for other in ("text/csv", "application/x-ndjson", "application/vnd.apache.parquet", "application/json"):
        if other != media_type:
            refused = bench.client.post(path, content=FILE, headers={"content-type": other})
            assert problem_of(refused) == (415, "unsupported-media-type")
            assert media_type in refused.json()["detail"]
            assert other not in refused.json()["detail"]
    compressed = {"content-type": media_type, "content-encoding": "gzip"}
    assert problem_of(bench.client.post(path, content=FILE, headers=compressed))[0] == 415
    assert len(bench.waiting_files()) == 1


def test_a_key_names_the_same_job_at_both_paths_of_a_format(bench: Bench) -> None:
    job = bench.submit(idempotency_key="june").json()
    headers = {**CSV, "idempotency-key": "june"}
    assert bench.client.post(f"{SCORING}/csv", content=FILE, headers=headers).json()["id"] == job["id"]
    ndjson = {"content-type": "application/x-ndjson", "idempotency-key": "june"}
    again = bench.client.post(f"{SCORING}/ndjson", content=FILE, headers=ndjson)
    assert problem_of(again) == (422, "idempotency-key-reused")


def test_a_job_can_be_polled_until_its_result_is_available(bench: Bench) -> None:
    job_id = bench.submit().json()["id"]
    path = f"{JOBS}/{job_id}"
    assert problem_of(bench.client.get(f"{path}/result")) == (409, "job-has-no-result")
    bench.queue.takes(job_id)
    bench.queue.tells(job_id, rowsDone=5, rowsTotal=10)
    job = bench.client.get(path).json()
    assert (job["state"], job["progress"]) == ("running", {"rowsDone": 5, "rowsTotal": 10})
    assert job["startedAt"] is not None
    assert bench.client.get(f"{path}/result").json()["state"] == "running"
    bench.queue.succeeds(job_id, {"rowsTotal": 10})
    (bench.folder / "results").mkdir()
    (bench.folder / "results" / f"{job_id}.csv").write_bytes(b"row,id\n1,1\n")
    (bench.folder / "results" / f"{job_id}.refused.ndjson").write_bytes(b"")
    result = bench.client.get(f"{path}/result")
    assert (result.status_code, result.content) == (200, b"row,id\n1,1\n")
    assert result.headers["content-type"].startswith("text/csv")
    refused = bench.client.get(f"{path}/refused")
    assert (refused.status_code, refused.content) == (200, b"")
    assert problem_of(bench.client.delete(path)) == (409, "job-finished")


def test_a_failed_job_states_the_reason(bench: Bench) -> None:
    job_id = bench.submit().json()["id"]
    bench.queue.takes(job_id)
    bench.queue.fails(job_id, "input-unusable", "Line 1 is no header.")
    job = bench.client.get(f"{JOBS}/{job_id}").json()
    assert (job["state"], job["error"]) == ("failed", {"code": "input-unusable", "detail": "Line 1 is no header."})
    assert problem_of(bench.client.get(f"{JOBS}/{job_id}/result")) == (409, "job-has-no-result")


def test_a_finished_scoring_job_counts_its_rows(bench: Bench) -> None:
    ids = [bench.submit(idempotency_key=key).json()["id"] for key in ("good", "none", "unusable", "cancelled")]

    def results() -> list[Any]:
        return [bench.client.get(f"{JOBS}/{job_id}").json()["result"] for job_id in ids]

    assert results() == [None] * 4
    for job_id in ids[:3]:
        bench.queue.takes(job_id)
        bench.queue.tells(job_id, rowsDone=500, rowsTotal=500)
    assert results() == [None] * 4
    bench.queue.succeeds(ids[0], {"rowsTotal": 500, "rowsPriced": 498, "rowsRefused": 2})
    bench.queue.fails(ids[1], "no-row-priced", "None.", {"rowsPriced": 0, "rowsRefused": 500})
    bench.queue.fails(ids[2], "input-unusable", "No header.")
    bench.client.delete(f"{JOBS}/{ids[3]}")
    counts = [(498, 2), (0, 500), (0, 0), (0, 0)]
    assert results() == [{"rowsPriced": priced, "rowsRefused": refused} for priced, refused in counts]
    (bench.folder / "results").mkdir()
    for job_id in ids:
        (bench.folder / "results" / f"{job_id}.refused.ndjson").write_bytes(b"{}\n")
    statuses = [bench.client.get(f"{JOBS}/{job_id}/refused").status_code for job_id in ids]
    assert statuses == [200, 200, 409, 409]
    assert bench.client.get(f"{JOBS}/{ids[1]}/result").status_code == 409


def test_jobs_of_other_kinds_have_no_row_counts(bench: Bench) -> None:
    job_id = bench.client.post(TRAINING).json()["id"]
    bench.queue.takes(job_id)
    bench.queue.succeeds(job_id, {"version": "2", "rowsPriced": 5})
    assert bench.client.get(f"{JOBS}/{job_id}").json()["result"] is None


def test_a_training_job_gets_its_arguments(bench: Bench) -> None:
    answer = bench.client.post(TRAINING, json={"source": "prediction-log", "from": "2026-01-01", "seed": 3})
    assert answer.status_code == 202
    job = bench.queue.jobs[answer.json()["id"]]
    assert job.arguments == {
        "source": "prediction-log",
        "data": None,
        "from": "2026-01-01",
        "to": None,
        "seed": 3,
        "search": False,
    }
    bench.queue.takes(job.id)
    bench.queue.succeeds(job.id, {"version": "2", "isChallenger": True})
    assert bench.client.get(f"{JOBS}/{job.id}/result").json() == {"version": "2", "isChallenger": True}
    assert problem_of(bench.client.get(f"{JOBS}/{job.id}/refused")) == (409, "job-has-no-result")


@pytest.mark.parametrize("sent", [{}, {"content": b""}, {"json": {}}, {"content": b"", "headers": AS_JSON}])
def test_training_without_a_body_uses_the_bundled_survey(bench: Bench, sent: dict[str, Any]) -> None:
    answer = bench.client.post(TRAINING, **sent)
    assert bench.queue.jobs[answer.json()["id"]].arguments["source"] == "bundled"


@pytest.mark.parametrize("body", [b'{"seed": 3}', b'{"seed": 3.0}', b'{"seed": 3e0}', b'\xef\xbb\xbf{"seed": 3.0}'])
def test_a_number_without_a_fractional_part_is_an_integer_in_an_order(bench: Bench, body: bytes) -> None:
    answer = bench.client.post(TRAINING, content=body, headers=AS_JSON)
    seed = bench.queue.jobs[answer.json()["id"]].arguments["seed"]
    assert (seed, type(seed)) == (3, int)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"seed": 1.5}',
        b'{"seed": "1"}',
        b'{"seed": true}',
        b'{"seed": 1, "seed": 1}',
        b' \xef\xbb\xbf{"seed": 1}',
        b'{"source": "elsewhere"}',
        b'{"from": "yesterday"}',
        b'{"from": "2026-13-45"}',
        b'{"colour": "red"}',
        b'{"source": "csv"}',
        b'{"data": "x.csv"}',
        b'{"source": "prediction-log", "from": "2026-02-01", "to": "2026-01-01"}',
        b'{"seed": "\xff"}',
        b'{"seed": 2147483648}',
        b'{"seed": -1}',
        b'{"seed": 1e30}',
        b'{"seed": 1, "seed": 2}',
        b'{"search": 1}',
        b'{"source": "csv", "data": "a\\u0000b"}',
        b'{"source": "csv", "data": "\\udfff"}',
        b'{"source": "prediction-log", "from": "2026-1-1"}',
        b'{"source": "prediction-log", "to": "9999-12-31"}',
        b'{"source": "prediction-log", "to": "2026-02-29"}',
        b'{"source": "prediction-log", "from": "2026-01-01T00:00:00Z"}',
        b'{"from_": "2026-01-01", "source": "prediction-log"}',
        b"{}{}",
        b"\xfe\xff\x00{\x00}",
        b"[" * 10_000,
        b'{"seed": NaN}',
        b'{"seed": ' + b"1" * 10_000 + b"}",
    ],
)
def test_an_invalid_training_request_is_rejected(bench: Bench, body: bytes) -> None:
    answer = bench.client.post(TRAINING, content=body, headers=AS_JSON)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]
    assert not bench.queue.jobs


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf{}",
        b'{"seed": 2147483647}',
        b'{"seed": 7.0}',
        b'{"seed": 7e0}',
        ONE_DAY,
        b'{"source": "csv", "data": "x.csv"}',
    ],
)
def test_a_valid_training_request_is_accepted(bench: Bench, body: bytes) -> None:
    assert bench.client.post(TRAINING, content=body, headers=AS_JSON).status_code == 202


def test_repeating_an_idempotency_key_with_the_same_file_returns_the_same_job(bench: Bench) -> None:
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: bench.submit(idempotency_key="once"), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(bench.queue.jobs) == 1
    (job,) = bench.queue.jobs.values()
    # Only the input file of the job remains.
    assert [path.name for path in (bench.folder / "incoming").iterdir()] == [job.arguments["input"]]


def test_reusing_an_idempotency_key_for_another_file_is_rejected(bench: Bench) -> None:
    first = bench.submit(idempotency_key="once")
    assert problem_of(bench.submit(b"id\n2\n", idempotency_key="once")) == (422, "idempotency-key-reused")
    assert bench.waiting_files() == [FILE]
    assert bench.submit(idempotency_key="once").json()["id"] == first.json()["id"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "\u00e9"])
def test_an_invalid_idempotency_key_is_rejected(bench: Bench, key: str) -> None:
    answer = bench.client.post(
        SCORING, content=FILE, headers=raw_headers({**CSV, "idempotency-key": key.encode("latin-1")})
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/xml"},
        {"content-type": "application/parquet"},
        {"content-type": "text/csv", "content-encoding": "gzip"},
    ],
)
def test_unsupported_file_formats_are_rejected(bench: Bench, headers: dict[str, str]) -> None:
    answer = bench.client.post(SCORING, content=FILE, headers=headers)
    assert problem_of(answer) == (415, "unsupported-media-type")
    assert "text/csv" in answer.json()["expected"]
    assert "`text/csv` or `application/x-ndjson` or " in answer.json()["detail"]


def in_stores(bench: Bench, **changes: Any) -> Any:
    order = {"input": f"{STORE}in.csv", "output": f"{STORE}out.parquet", **changes}
    return bench.client.post(SCORING, json=order, headers={"idempotency-key": "once"})


def test_a_file_in_a_store_is_priced_in_place(bench: Bench) -> None:
    answer = in_stores(bench)
    assert answer.status_code == 202, answer.text
    assert in_stores(bench).json()["id"] == answer.json()["id"]
    assert problem_of(in_stores(bench, output=f"{STORE}other.csv")) == (422, "idempotency-key-reused")
    job = bench.queue.jobs[answer.json()["id"]]
    assert job.arguments == {"input": f"{STORE}in.csv", "output": f"{STORE}out.parquet"}
    bench.queue.takes(job.id)
    report = {"output": f"{STORE}out.parquet", "rowsTotal": 3}
    bench.queue.succeeds(job.id, report)
    assert bench.client.get(f"{JOBS}/{job.id}/result").json() == report
    assert problem_of(bench.client.get(f"{JOBS}/{job.id}/refused")) == (409, "job-has-no-result")


def test_cancelling_a_job_in_stores_removes_no_file(bench: Bench) -> None:
    incoming = bench.folder / "incoming" / "in.csv"
    incoming.parent.mkdir(parents=True)
    incoming.touch()
    job_id = in_stores(bench).json()["id"]
    assert bench.client.delete(f"{JOBS}/{job_id}").json()["state"] == "cancelled"
    assert incoming.exists()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"input": "s3://houses/elsewhere/in.csv"}, "input"),
        ({"input": f"{STORE}../in.csv"}, "input"),
        ({"input": "file:///etc/passwd"}, "input"),
        ({"output": f"{STORE}out.txt"}, "output"),
        ({"output": f"{STORE}in.csv"}, "output"),
        ({"output": None}, "output"),
        ({"output": 7}, "output"),
        ({"more": "x"}, "more"),
    ],
)
def test_an_invalid_store_file_is_rejected_by_name(bench: Bench, changes: Any, where: str) -> None:
    answer = in_stores(bench, **changes)
    assert answer.status_code == 422, answer.text
    assert [one["loc"] for one in answer.json()["detail"]] == [["body", where]]
    assert not bench.queue.jobs


@pytest.mark.parametrize(
    ("source", "output", "named"),
    [
        ("june.csv.refused.ndjson", "june.csv", "june.csv.refused.ndjson"),
        ("JUNE.csv", "june.csv", "june.csv"),
        ("June.CSV.refused.ndjson", "june.csv", "june.csv.refused.ndjson"),
        ("june.csv", f"{'n' * 245}.csv", "too long"),
    ],
)
def test_a_job_that_would_write_to_its_input_is_rejected(bench: Bench, source: str, output: str, named: str) -> None:
    answer = in_stores(bench, input=STORE + source, output=STORE + output)
    assert answer.status_code == 422, answer.text
    (finding,) = answer.json()["detail"]
    assert finding["loc"] == ["body", "output"]
    assert named in finding["msg"]
    assert not bench.queue.jobs


@pytest.mark.parametrize("output", ["june.csv", "JUNE.csv", "june.csv.refused.ndjson"])
def test_one_output_belongs_to_one_unfinished_job(bench: Bench, output: str) -> None:
    def submit(key: str, name: str) -> Any:
        order = {"input": f"{STORE}in.ndjson", "output": STORE + name}
        return bench.client.post(SCORING, json=order, headers={"idempotency-key": key})

    first = submit("first", "june.csv")
    second = submit("second", output)
    assert problem_of(second) == (409, "output-taken")
    assert second.json()["output"] == STORE + output
    assert f"`{STORE}{output}`" in second.json()["detail"]
    assert submit("first", "june.csv").json() == first.json()
    bench.client.delete(first.headers["location"])
    assert submit("second", output).status_code == 202


@pytest.mark.parametrize("taken", ["june.csv", "june.csv.refused.ndjson"])
def test_a_local_file_that_exists_is_named_at_once(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path, taken: str
) -> None:
    houses = tmp_path / "houses"
    houses.mkdir()
    jobs = {"database_url": f"sqlite:///{tmp_path}/jobs.db", "folder": tmp_path / "jobs", "stores": f"file://{houses}"}
    client = start_app(stub.url, jobs=jobs)
    order = {"input": f"file://{houses}/in.csv", "output": f"file://{houses}/june.csv"}
    first = client.post(SCORING, json=order, headers={"idempotency-key": "first"})
    assert first.status_code == 202, first.text
    (houses / taken).write_text("somebody else's, or that of the first job")
    answer = client.post(SCORING, json=order)
    assert problem_of(answer) == (409, "output-taken")
    assert answer.json()["output"] == f"file://{houses}/{taken}"
    # A repeated request finds its job, although the job may have written the file.
    assert client.post(SCORING, json=order, headers={"idempotency-key": "first"}).json() == first.json()


@pytest.mark.parametrize(
    "body", [TWICE, b"", b"{", b"[]", b'{"input": "\xff"}', b"null", b'"s3://houses/allowed/in.csv"']
)
def test_an_invalid_scoring_request_is_rejected(bench: Bench, body: bytes) -> None:
    answer = bench.client.post(SCORING, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text


def test_an_empty_file_is_rejected_and_leaves_no_file(bench: Bench) -> None:
    answer = bench.submit(b"")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "missing"
    assert bench.waiting_files() == []


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_file_that_is_too_large_is_rejected_and_leaves_no_file(bench: Bench, *, is_declared: bool) -> None:
    limits = UploadLimits(file_bytes=1000, idle_seconds=5, total_seconds=5)
    replace_services(bench.client, upload_limits=limits)

    def parts() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = bench.client.post(SCORING, content=b"".join(parts()) if is_declared else parts(), headers=CSV)
    assert problem_of(answer) == (413, "document-too-large")
    assert answer.json()["limitBytes"] == 1000
    assert bench.waiting_files() == []


def test_a_full_disk_is_a_507(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_room(*_: object, **__: object) -> None:
        raise JobFilesFull("no room")

    monkeypatch.setattr(FolderJobFiles, "receive", no_room)
    assert problem_of(bench.submit()) == (507, "job-files-full")


def test_an_unusable_job_folder_is_a_503(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("no folder")
    assert problem_of(bench_of(start_app(stub.url), tmp_path / "jobs").submit()) == (503, "jobs-unavailable")


def test_an_unreachable_queue_is_a_503_for_every_operation(bench: Bench) -> None:
    job_id = bench.submit().json()["id"]
    bench.queue.error = JobsUnavailable("away")
    path = f"{JOBS}/{job_id}"
    answers = [bench.submit(), bench.client.post(TRAINING, json={}), bench.client.get(JOBS), bench.client.get(path)]
    answers += [bench.client.delete(path), bench.client.get(f"{path}/result"), bench.client.get(f"{path}/refused")]
    assert {problem_of(answer) for answer in answers} == {(503, "jobs-unavailable")}
    assert all(answer.headers["retry-after"] for answer in answers)


def test_cancelling_a_job_deletes_its_file(bench: Bench) -> None:
    job_id = bench.submit().json()["id"]
    for _ in range(2):
        answer = bench.client.delete(f"{JOBS}/{job_id}")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert bench.waiting_files() == []
    assert problem_of(bench.client.get(f"{JOBS}/{job_id}/refused")) == (409, "job-has-no-result")


@pytest.mark.parametrize("path", ["", "/result", "/refused"])
def test_unknown_jobs_are_not_found(bench: Bench, path: str) -> None:
    assert problem_of(bench.client.get(f"{JOBS}/{'0' * 32}{path}")) == (404, "job-not-found")
    assert bench.client.get(f"{JOBS}/..%2f..%2fetc%2fpasswd{path}").status_code == 404
    assert bench.client.get(f"{JOBS}/no-id{path}").status_code == 422


def test_jobs_are_listed_in_pages_newest_first(bench: Bench) -> None:
    ids = [bench.submit().json()["id"] for _ in range(5)]
    first = bench.client.get(JOBS, params={"limit": 3}).json()
    assert ([job["id"] for job in first["jobs"]], first["nextOffset"]) == (ids[:1:-1], 3)
    rest = bench.client.get(JOBS, params={"limit": 3, "offset": 3}).json()
    assert ([job["id"] for job in rest["jobs"]], rest["nextOffset"]) == (ids[1::-1], None)
    assert bench.client.get(JOBS, params={"limit": 0}).status_code == 422


def test_a_job_is_visible_only_to_its_key_and_admins(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    mine, yours = new_key(keys, "jobs"), new_key(keys, "jobs")
    boss, stranger = new_key(keys, "jobs", "admin"), new_key(keys, "predict")
    bench = bench_of(start_app(stub.url, auth={"keys_file": keys}), tmp_path / "jobs")
    submitted = bench.client.post(SCORING, content=FILE, headers=CSV | bearer(mine) | {"idempotency-key": "k"})
    path = submitted.headers["location"]
    assert bench.client.get(path, headers=bearer(mine)).status_code == 200
    assert bench.client.get(path, headers=bearer(boss)).status_code == 200
    for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/refused")):
        answer = bench.client.request(method, path + below, headers=bearer(yours))
        assert problem_of(answer) == (404, "job-not-found")
    assert bench.client.get(JOBS, headers=bearer(yours)).json()["jobs"] == []
    assert len(bench.client.get(JOBS, headers=bearer(boss)).json()["jobs"]) == 1
    assert problem_of(bench.client.get(JOBS, headers=bearer(stranger))) == (403, "scope-missing")
    assert problem_of(bench.client.get(JOBS)) == (401, "credentials-missing")
    # Idempotency keys belong to their caller: the same one from another caller makes another job.
    other = bench.client.post(SCORING, content=b"id\n", headers=CSV | bearer(yours) | {"idempotency-key": "k"})
    assert other.json()["id"] != submitted.json()["id"]


def test_who_may_order_a_move_may_follow_and_cancel_it_and_see_nothing_else(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    admin, second, jobs = new_key(keys, "admin"), new_key(keys, "admin"), new_key(keys, "jobs")
    both, predict = new_key(keys, "jobs", "admin"), new_key(keys, "predict")
    bench = bench_of(start_app(stub.url, auth={"keys_file": keys}), tmp_path / "jobs")
    move = bench.client.post("/api/v1/models/2/promote", headers=bearer(admin)).headers["location"]
    scoring = bench.client.post(SCORING, content=FILE, headers=CSV | bearer(jobs)).headers["location"]
    training = bench.client.post(TRAINING, headers=bearer(jobs)).headers["location"]

    def status(path: str, key: str, method: str = "GET") -> int:
        return bench.client.request(method, path, headers=bearer(key)).status_code

    for key in (admin, second, both):
        assert status(move, key) == 200
    assert [status(path, both) for path in (scoring, training)] == [200, 200]
    assert [status(path, jobs) for path in (move, scoring, training)] == [404, 200, 200]
    for path in (scoring, training):
        assert [status(path + below, admin) for below in ("", "/result", "/refused")] == [404] * 3
        assert status(path, admin, "DELETE") == 404
    assert status(move, predict) == 403
    for path in (SCORING, TRAINING):
        assert problem_of(bench.client.post(path, content=FILE, headers=CSV | bearer(admin))) == (403, "scope-missing")

    def listed(key: str) -> set[str]:
        return {job["type"] for job in bench.client.get(JOBS, headers=bearer(key)).json()["jobs"]}

    assert (listed(admin), listed(second)) == ({"lifecycle"}, {"lifecycle"})
    assert (listed(jobs), listed(both)) == ({"scoring", "training"}, {"scoring", "training", "lifecycle"})
    job_id = move.rpartition("/")[2]
    assert status(f"{move}/result", admin) == 409
    assert status(move, jobs, "DELETE") == 404
    assert status(move, second, "DELETE") == 200
    assert bench.queue.jobs[job_id].state == "cancelled"


def test_without_a_database_jobs_are_disabled(api: TestClient) -> None:
    assert problem_of(api.get(JOBS)) == (404, "jobs-off")
    assert problem_of(api.post(SCORING, content=FILE, headers=CSV)) == (404, "jobs-off")
    assert problem_of(api.post(TRAINING, json={})) == (404, "jobs-off")


def test_a_client_that_disconnects_during_an_upload_leaves_no_file(stub: StubModelServer, tmp_path: Path) -> None:
    jobs = {"database_url": f"sqlite:///{tmp_path}/jobs.db", "folder": tmp_path / "jobs"}
    incoming = tmp_path / "jobs" / "incoming"
    with served(create_app(settings_for(stub.url, jobs=jobs))) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            begun = head("POST", SCORING, content_type="text/csv", content_length=5_000_000)
            connection.sendall(begun + b"x" * 2_000_000)
            wait_until(lambda: any(incoming.glob("*")), "no file came")
        wait_until(lambda: not any(incoming.glob("*")), "the file stayed")


@pytest.mark.parametrize("state", sorted(NEXT_STATES))
def test_a_job_makes_only_the_allowed_state_changes(state: JobState) -> None:
    job = Job("1", "scoring", "", "", {}, state, datetime.now(UTC))
    for target in NEXT_STATES:
        if target in NEXT_STATES[state]:
            assert job.with_state(target).state == target
        else:
            with pytest.raises(JobFinished):
                job.with_state(target)
    # Every state can be reached from `queued`.
    assert {"queued", *NEXT_STATES["queued"], *NEXT_STATES["running"]} == set(NEXT_STATES)


def test_no_file_outside_the_folder_can_be_read(tmp_path: Path) -> None:
    files = FolderJobFiles(tmp_path / "jobs")
    assert files.incoming_path("../../etc/passwd").parent == tmp_path / "jobs" / "incoming"
    assert files.result_path("a" * 32, "csv").name == "a" * 32 + ".csv"
    for wrong in ("", ".", "..", "../x", "/", "a", "a" * 31 + "/"):
        for find in (
            files.work_path,
            files.refused_path,
            files.remove_results,
            lambda one: files.result_path(one, "csv"),
        ):
            with pytest.raises(ValueError, match="not a job id"):
                find(wrong)


@pytest.mark.anyio
async def test_an_upload_in_progress_can_be_told_from_an_interrupted_one(tmp_path: Path) -> None:
    files = FolderJobFiles(tmp_path / "jobs")
    seen: list[bool] = []

    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        seen.extend(is_being_received(path) for path in files.incoming_paths())

    received = await files.receive(parts(), suffix="csv")
    assert seen == [True]
    assert not is_being_received(files.incoming_path(received.name))
    assert not is_being_received(files.incoming_path("missing.csv"))
