"""The metrics and their Prometheus page."""

import re
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from conftest import StartApp
from factories import ABSENT, REPOSITORY, batch_bytes, house_bytes, houses_json, raw_headers, services_of
from housing_price_orchestrator.app import describe_metrics
from housing_price_orchestrator.observability import worker_files
from housing_price_orchestrator.observability.exposition import Exposition
from housing_price_orchestrator.observability.instruments import Counter, Histogram
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.observability.worker_files import WorkerFiles
from servers import StubModelServer, says
from small_disk import SmallDisk

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"


def samples(page: str) -> dict[str, float]:
    """The value of each sample of a metrics page, by its name with labels."""
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def counted(api: TestClient) -> dict[str, float]:
    response = api.get("/metrics")
    assert response.status_code == 200
    return samples(response.text)


def test_docs_metrics_md_is_current() -> None:
    assert (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8") == describe_metrics()


def test_names_follow_the_prometheus_conventions() -> None:
    names = [one.name for one in Metrics()]
    assert len(names) == len(set(names))
    for one in Metrics():
        assert re.fullmatch(r"(housing_price|process)_[a-z_]+", one.name)
        assert one.name.endswith("_total") == (one.kind == "counter")
        assert one.unit
        assert one.meaning.endswith(".")


def test_requests_are_counted_by_operation_and_status(api: TestClient) -> None:
    for _ in range(3):
        api.post(PREDICT, content=house_bytes())
    api.post(PREDICT, content=house_bytes(street="Dummy"))
    api.get("/no/such/path")
    api.request("BREW", PREDICT)
    now = counted(api)
    name = "housing_price_request_duration_seconds_count"
    assert now[f'{name}{{method="POST",route="{PREDICT}",status="200"}}'] == 3
    assert now[f'{name}{{method="POST",route="{PREDICT}",status="422"}}'] == 1
    assert now[f'{name}{{method="GET",route="none",status="404"}}'] == 1
    assert now[f'{name}{{method="other",route="{PREDICT}",status="405"}}'] == 1
    assert now["housing_price_requests_in_flight"] == 1  # the one that asks


def test_houses_prices_and_calls_are_counted(api: TestClient) -> None:
    before = counted(api)
    api.post(PREDICT, content=house_bytes())
    api.post(BATCH, content=batch_bytes(houses_json(20)))
    api.post(
        STREAM, content=house_bytes() + b"\n{}\n" + house_bytes(id=2), headers={"content-type": "application/x-ndjson"}
    )
    now = counted(api)
    assert now[f'housing_price_request_rows_total{{route="{PREDICT}"}}'] == 1
    assert now[f'housing_price_request_rows_total{{route="{BATCH}"}}'] == 20
    assert now[f'housing_price_request_rows_total{{route="{STREAM}"}}'] == 2
    assert now['housing_price_prices_total{model_id="stub-1",model_version="stub-1"}'] == 23
    assert now["housing_price_predicted_price_usd_count"] == 23
    assert now['housing_price_model_call_rows_sum{model="price"}'] == 23
    assert now['housing_price_model_call_duration_seconds_count{model="price",outcome="priced"}'] == 3
    assert now['housing_price_refusals_total{reason="invalid-document"}'] == 1
    for phase in ("validate", "queue", "model", "encode"):
        assert now[f'housing_price_request_phase_seconds_count{{phase="{phase}"}}'] == 2
    assert before["housing_price_predicted_price_usd_count"] == 0


def test_validation_errors_are_counted_by_feature_and_unknown_fields_as_other(api: TestClient) -> None:
    api.post(PREDICT, content=house_bytes(street="Dummy", lotArea="8450", **{"a-word-of-the-caller": 1}))
    api.post(BATCH, content=batch_bytes([*houses_json(2), {**houses_json(1)[0], "street": "Dummy"}]))
    api.post(PREDICT, content=house_bytes(street=ABSENT))
    api.post(PREDICT, content=b"[1")
    now = {name: value for name, value in counted(api).items() if name.startswith("housing_price_validation")}
    name = "housing_price_validation_failures_total"
    assert now == {f'{name}{{field="street"}}': 3, f'{name}{{field="lotArea"}}': 1, f'{name}{{field="other"}}': 2}


def test_model_server_errors_are_counted_by_name(api: TestClient, stub: StubModelServer) -> None:
    stub.behaviour = says(500)
    api.post(PREDICT, content=house_bytes())
    now = counted(api)
    assert now['housing_price_refusals_total{reason="model-server-failed"}'] == 1
    assert now['housing_price_model_call_duration_seconds_count{model="price",outcome="ModelServerFailed"}'] == 1


def test_retries_and_circuits_are_reported_by_address(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, model_server={"base_url": f"{stub.url},http://127.0.0.1:9"})
    stub.behaviour = says(503)
    for _ in range(30):
        api.post(PREDICT, content=house_bytes())
    now = counted(api)
    assert now['housing_price_model_call_retries_total{model="price"}'] >= 1
    assert now['housing_price_model_call_retries_refused_total{model="price"}'] >= 1
    for address in (stub.url, "http://127.0.0.1:9"):
        name = f'housing_price_circuit_state{{address="{address}",model="price",state='
        assert sum(now[f'{name}"{state}"}}'] for state in ("closed", "open", "half-open")) == 1
        assert now[f'{name}"closed"}}'] == 0
        assert now[f'housing_price_circuit_opened_total{{address="{address}",model="price"}}'] == 1


def test_the_page_reports_cpu_time_memory_and_open_files(api: TestClient) -> None:
    now = counted(api)
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert now[name] > 0


def test_the_page_reports_versions_and_readiness(api: TestClient) -> None:
    api.post(PREDICT, content=house_bytes())
    assert api.portal is not None
    api.portal.call(services_of(api).readiness.required.probe)
    now = counted(api)
    assert now["housing_price_ready"] == 1
    assert now["housing_price_workers"] == 1
    assert now['housing_price_model_info{id="stub-1",name="housing-price",version="stub-1"}'] == 1
    assert sum(value for name, value in now.items() if name.startswith("housing_price_build_info")) == 1


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "text/plain", "text/plain;version=abc", "application/openmetrics-text;version=1.0.0", "\xff,;="],
)
def test_any_accept_header_gets_a_page(api: TestClient, accept: str) -> None:
    response = api.get("/metrics", headers=raw_headers({"accept": accept.encode("latin-1")}))
    assert response.status_code == 200
    assert "housing_price_build_info" in response.text


def test_without_metrics_there_is_no_page_and_requests_work(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, metrics={"enabled": False})
    assert api.post(PREDICT, content=house_bytes()).status_code == 200
    assert api.post(PREDICT, content=house_bytes(street="Dummy")).status_code == 422
    assert api.get("/metrics").status_code == 404


def test_the_upper_bound_of_a_bucket_is_inclusive() -> None:
    histogram = Histogram("h", "It.", unit="seconds", bounds=(1, 2))
    for value in (0.5, 1, 1.5, 2, 7):
        histogram.observe(value)
    assert histogram.readings() == [((), [2, 2, 1, 12.0])]


def test_undeclared_labels_are_refused() -> None:
    counter = Counter("c_total", "It.", unit="things", labels=("one",))
    with pytest.raises(ValueError, match="c_total has the labels"):
        counter.with_labels("a", "b")


def test_workers_are_summed_and_counters_of_dead_workers_are_kept(tmp_path: Path) -> None:
    first, second = Metrics(), Metrics()
    first_files, second_files = WorkerFiles(tmp_path), WorkerFiles(tmp_path)
    pages = Exposition(first, first_files), Exposition(second, second_files)
    first.call_rows.with_labels("price").observe(3)
    second.call_rows.with_labels("price").observe(400)
    second.refusals.with_labels("queue-full").inc(2)
    for metrics in (first, second):
        metrics.workers.inc()
        metrics.requests_in_flight.inc(5)
        metrics.call_retries.with_labels("price").inc(7)
    first.ready.inc()
    for page in pages:
        page.write_metrics()
    for page in pages:
        now = samples(page.page("")[0].decode())
        assert now["housing_price_workers"] == 2
        assert now["housing_price_requests_in_flight"] == 10
        assert now['housing_price_model_call_retries_total{model="price"}'] == 14
        assert now['housing_price_model_call_rows_count{model="price"}'] == 2
        assert now['housing_price_model_call_rows_sum{model="price"}'] == 403
        assert now['housing_price_refusals_total{reason="queue-full"}'] == 2
        assert now["housing_price_ready"] == 0
    second_files.close()
    now = samples(pages[0].page("")[0].decode())
    assert now["housing_price_workers"] == 1
    assert now["housing_price_requests_in_flight"] == 5
    assert now['housing_price_model_call_retries_total{model="price"}'] == 14
    assert now["housing_price_ready"] == 1
    first_files.close()


def test_a_damaged_or_unwritable_file_of_a_worker_costs_only_its_numbers(small_disk: SmallDisk) -> None:
    mine, other = WorkerFiles(small_disk.folder), WorkerFiles(small_disk.folder)
    mine.write({"requests": 1})
    other.write({"requests": 2})
    (damaged,) = [path for path in small_disk.folder.glob("*.json") if b'"requests":2' in path.read_bytes()]
    for content in (b"", b"{", b"[]", b"\xff"):
        damaged.write_bytes(content)
        assert list(mine.snapshots()) == [({"requests": 1}, True, False)]
    small_disk.fill()
    with pytest.raises(OSError, match="No space left"):
        mine.write({"requests": 3, "more": "x" * 10_000})
    assert list(mine.snapshots()) == [({"requests": 1}, True, False)]
    small_disk.free()
    other.write({"requests": 4})
    assert sorted(snapshot["requests"] for snapshot, _, _ in mine.snapshots()) == [1, 4]
    mine.close()
    other.close()


def test_a_worker_that_has_stopped_reporting_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, files = Metrics(), WorkerFiles(tmp_path)
    page = Exposition(metrics, files)
    metrics.ready.inc()
    metrics.workers.inc()
    page.write_metrics()
    assert samples(page.page("")[0].decode())["housing_price_ready"] == 1
    monkeypatch.setattr(worker_files, "STALE_SECONDS", -1.0)
    now = samples(page.page("")[0].decode())
    assert (now["housing_price_ready"], now["housing_price_workers"]) == (0, 1)
    files.close()


def test_metrics_that_cannot_be_written_are_reported_once_and_written_later(tmp_path: Path) -> None:
    folder, away = tmp_path / "metrics", tmp_path / "away"
    folder.mkdir()
    files = WorkerFiles(folder)
    page = Exposition(Metrics(), files)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
    with structlog.testing.capture_logs() as events:
        folder.rename(away)
        for _ in range(3):
            page.write_metrics()
        away.rename(folder)
        for _ in range(3):
            page.write_metrics()
    assert [event["event"] for event in events] == [
        "metrics cannot be written for the other workers",
        "metrics are written again",
    ]
    files.close()
