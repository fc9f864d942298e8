import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from housing_price_model.artefact.export import MODEL, digest_of, read_export, write_export
from housing_price_model.fitting.pack import load
from housing_price_model.serving.verify import verify
from housing_price_model.survey.data import Houses
from housing_price_model.training.train import Trained
from housing_price_survey.columns import COLUMNS, OPTIONAL

pytestmark = [
    pytest.mark.stack,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

COMMAND = (sys.executable, "-m", "housing_price_model", "serve", "--port", "0")
START_SECONDS = 60
JSON = "application/json"


class Server:
    """A running model server with its log."""

    def __init__(self, process: subprocess.Popen[str], log: Path, url: str) -> None:
        self.process, self.log, self.url = process, log, url
        self.calls = 0

    def post(self, payload: object, **headers: str) -> tuple[dict[str, str], dict[str, object]]:
        self.calls += 1
        answer = httpx.post(f"{self.url}/invocations", json=payload, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.headers), answer.json()

    def request(self, method: str, path: str, content: bytes, content_type: str) -> httpx.Response:
        self.calls += (method, path) == ("POST", "/invocations")
        headers = {"content-type": content_type}
        return httpx.request(method, f"{self.url}{path}", content=content, headers=headers, timeout=30)


@contextmanager
def served(tmp_path: Path, *options: str) -> Iterator[Server]:
    log = tmp_path / "serve.log"
    with (
        log.open("w") as file,
        subprocess.Popen([*COMMAND, *options], stdout=file, stderr=subprocess.STDOUT, text=True) as process,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (match := re.search(r"Uvicorn running on (http://\S+)", log.read_text())):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield Server(process, log, match[1])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server"), "--model", str(export)) as running:
        yield running


def split(houses: Houses, rows: int) -> dict[str, object]:
    frame = houses.features.head(rows).astype(object)
    return {"dataframe_split": {"columns": list(COLUMNS), "data": frame.where(frame.notna(), None).to_numpy().tolist()}}


def test_response_has_the_prices_name_and_version_of_the_model(server: Server, houses: Houses, export: Path) -> None:
    headers, answer = server.post(split(houses, 20))
    artifacts = export / MODEL / "artifacts"
    predict = load({"graph": str(artifacts / "graph.onnx"), "spec": str(artifacts / "spec.json")})
    assert answer == {"predictions": predict(houses.features.head(20)).to_dict("records")}
    assert headers["x-model-name"] == "housing-price"
    assert headers["x-model-version"] == "1"


def test_export_of_comparables_is_served_by_the_same_command_in_less_than_300_mb(
    export: Path, houses: Houses, tmp_path: Path
) -> None:
    folder = export / "comparables"
    with served(tmp_path, str(folder), "--digest", read_export(folder).digest) as running:
        headers, answer = running.post(split(houses, 1000) | {"params": {"k": 3, "known": ["GrLivArea"]}})
        assert (headers["x-model-name"], headers["x-model-version"]) == ("housing-comparables", "1")
        predictions = answer["predictions"]
        assert isinstance(predictions, list)
        assert [len(prediction["sales"]) for prediction in predictions] == [3] * 1000
        assert running.request("GET", "/ping", b"", JSON).status_code == 200
        assert verify(running.url, str(folder), "").differences == []
        status = Path(f"/proc/{running.process.pid}/status")
        if status.exists():
            (resident,) = re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())
            assert int(resident) * 1024 <= 300_000_000


def test_optional_columns_may_be_left_out_or_null(server: Server, houses: Houses) -> None:
    payload = split(houses, 3)
    split_frame = payload["dataframe_split"]
    assert isinstance(split_frame, dict)
    null = [
        [None if name in OPTIONAL else cell for name, cell in zip(COLUMNS, row, strict=True)]
        for row in split_frame["data"]
    ]
    kept = [at for at, name in enumerate(COLUMNS) if name not in OPTIONAL]
    without = {"columns": [COLUMNS[at] for at in kept], "data": [[row[at] for at in kept] for row in null]}
    answers = [
        server.post({"dataframe_split": frame})[1] for frame in ({"columns": list(COLUMNS), "data": null}, without)
    ]
    assert answers[0] == answers[1]
    predictions = answers[0]["predictions"]
    assert isinstance(predictions, list)
    assert all(np.isfinite(row["price"]) for row in predictions)


def logged_calls(server: Server) -> list[dict[str, Any]]:
    """Return the logged calls; each is logged after its response was sent, so earlier ones come first."""
    deadline = time.monotonic() + 5
    while True:
        events = [json.loads(line) for line in server.log.read_text().splitlines()]
        calls = [event for event in events if event["event"] == "request" and event["path"] == "/invocations"]
        if len(calls) >= server.calls:
            return calls
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "logged"),
    [("a.B-c_1", "a.B-c_1"), ("x" * 64, "x" * 64), ("x" * 65, "-"), ("two words", "-"), ("", "-"), ("a;b", "-")],
)
def test_request_is_logged_on_one_line_with_its_id(server: Server, houses: Houses, given: str, logged: str) -> None:
    server.post(split(houses, 1), **{"X-Request-ID": given})
    calls = logged_calls(server)
    assert len(calls) == server.calls
    assert calls[-1].pop("seconds") > 0
    assert re.fullmatch(r"20\d\d-.*Z", calls[-1].pop("time"))
    assert calls[-1] == {
        "service": "model-server", "event": "request", "level": "info", "method": "POST", "path": "/invocations",
        "status": 200, "request_id": logged,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("traceparent", "logged"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("00-0AF7-b7ad6b7169203331-01", None),
        ("x trace=forged", None),
    ],
)
def test_log_line_contains_the_trace_id(server: Server, houses: Houses, traceparent: str, logged: str | None) -> None:
    server.post(split(houses, 1), **{"X-Request-ID": "traced", "traceparent": traceparent})
    call = logged_calls(server)[-1]
    assert (call["request_id"], call.get("trace_id")) == ("traced", logged)


def metrics_of(server: Server) -> dict[str, float]:
    answer = httpx.get(f"{server.url}/metrics", timeout=30)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


ROWS = 'housing_price_model_server_rows_total{model="price"}'


def requests_of(status: int, route: str = "/invocations") -> str:
    labels = f'model="price",route="{route}",status="{status}"'
    return f"housing_price_model_server_request_duration_seconds_count{{{labels}}}"


def test_metrics_count_rows_requests_and_errors(server: Server, houses: Houses) -> None:
    server.post(split(houses, 1))
    before = metrics_of(server)
    server.post(split(houses, 7))
    # MLflow's handler answers this form.
    server.post({"dataframe_records": houses.features.head(3).astype(object).to_dict("records")})
    assert server.request("POST", "/invocations", b"{", JSON).status_code == 400
    httpx.get(f"{server.url}/no/such/path", timeout=30)
    after = metrics_of(server)
    assert after['housing_price_model_server_info{model="price",name="housing-price",version="1"}'] == 1
    assert after[ROWS] - before[ROWS] == 10
    assert after[requests_of(200)] - before[requests_of(200)] == 2
    assert after[requests_of(400)] - before.get(requests_of(400), 0) == 1
    assert after[requests_of(404, "other")] - before.get(requests_of(404, "other"), 0) == 1
    assert not any("/metrics" in name or "_created" in name or "/no/" in name for name in after)


def test_every_line_of_the_log_is_an_event(server: Server) -> None:
    events = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all({"service", "event", "level", "time"} <= event.keys() for event in events)
    # Other tests send requests that fail, which are warnings.
    levels = {event["event"]: event["level"] for event in events}
    assert (levels["serving"], levels["request"]) == ("info", "info")


def test_ping_returns_the_version(server: Server) -> None:
    answer = httpx.get(f"{server.url}/ping", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["X-Model-Version"] == "1"


def test_serving_does_not_change_the_folder(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Bytecode beside the model's code would change its digest, and the next start would reject it.
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    shutil.copytree(export, tmp_path / "export")
    before = digest_of(tmp_path / "export")
    with served(tmp_path, str(tmp_path / "export")):
        pass
    assert digest_of(tmp_path / "export") == before


def test_server_listens_on_loopback_by_default(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_server_with_exit_status_0(export: Path, tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path, "--model", str(export)) as running:
        running.process.send_signal(number)
        assert running.process.wait(10) == 0
        assert "Traceback" not in running.log.read_text()


def test_registry_champion_is_served(store: str, trained: Trained, houses: Houses, tmp_path: Path) -> None:
    assert trained.registered
    with served(tmp_path, "--model", "models:/housing-price@champion", "--tracking-uri", store) as running:
        headers, answer = running.post(split(houses, 1))
    assert headers["x-model-version"] == trained.registered.version
    predictions = answer["predictions"]
    assert isinstance(predictions, list)
    assert predictions[0]["model_id"] == trained.model_id


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=START_SECONDS, check=False)


def test_changed_byte_is_rejected_with_a_one_line_error(export: Path, tmp_path: Path) -> None:
    shutil.copytree(export, tmp_path / "export")
    graph = tmp_path / "export" / MODEL / "artifacts" / "graph.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    done = refused("--model", str(tmp_path / "export"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "rejected: files differ from those recorded: model/artifacts/graph.onnx was changed" in line


def test_only_the_model_with_the_pinned_digest_is_served(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = refused(str(export), "--digest", f"sha256:{'0' * 64}")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"rejected: its digest is {read_export(export).digest}, expected sha256:000" in line
    monkeypatch.setenv("HOUSING_PRICE_MODEL_DIGEST", read_export(export).digest)
    with served(tmp_path, str(export)):
        pass


def test_pinned_digest_applies_to_a_registered_model(store: str, trained: Trained) -> None:
    assert trained.registered
    done = refused("--tracking-uri", store, "--digest", f"sha256:{'0' * 64}")
    assert done.returncode == 1
    assert f"rejected: its digest is {trained.registered.digest}, expected sha256:000" in done.stderr.splitlines()[-1]


def test_foreign_code_is_not_run_even_with_valid_digests(export: Path, tmp_path: Path) -> None:
    shutil.copytree(export / MODEL, tmp_path / "model")
    with (tmp_path / "model" / "served.py").open("a") as code:
        code.write(f"\nPath({str(tmp_path / 'was run')!r}).touch()\n")
    write_export(
        tmp_path / "model", replace(read_export(export), digest=digest_of(tmp_path / "model")), tmp_path / "export"
    )
    done = refused(str(tmp_path / "export"))
    assert done.returncode == 1
    assert "served.py is not code of this package" in done.stderr
    assert not (tmp_path / "was run").exists()


def change_specification(export: Path, change: Callable[[dict[str, Any]], object], folder: Path) -> Path:
    """Copy an export with a changed `spec.json` and valid digests."""
    shutil.copytree(export / MODEL, folder / "model")
    specification = folder / "model" / "artifacts" / "spec.json"
    document = json.loads(specification.read_bytes())
    change(document)
    specification.write_text(json.dumps(document))
    manifest = replace(read_export(export), digest=digest_of(folder / "model"))
    write_export(folder / "model", manifest, folder / "export")
    return folder / "export"


CONTRADICTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "comparables with a column too few": (
        "comparables",
        lambda one: one["columns"].remove("PoolArea"),
        "columns: 34 columns of numbers, but artifacts/numbers.npy has 35",
    ),
    "a price without a column": (".", lambda one: one["columns"].remove("PoolArea"), "its files contradict each other"),
    "a price without columns": (".", lambda one: one.pop("columns"), "contradict each other (KeyError: 'columns')"),
    "ranges of another length": (".", lambda one: one["lowest"].pop(), "its files contradict each other (ValueError"),
    "an interval of words": (".", lambda one: one["interval"].update(below="x"), "its files contradict each other"),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_contradictory_export_is_rejected_with_a_one_line_error(export: Path, tmp_path: Path, kind: str) -> None:
    name, change, message = CONTRADICTIONS[kind]
    done = refused(str(change_specification(export / name, change, tmp_path)))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert message in line


def test_port_in_use_is_an_error(export: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = refused("--model", str(export), "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "cannot listen on this address" in done.stderr.splitlines()[-1]


def requests_to_compare(houses: Houses) -> Iterator[tuple[str, str, bytes, str]]:
    """Yield method, path, content and content type: each route, each format, and errors."""
    content = json.dumps(split(houses, 5)).encode()
    frame = houses.features.head(5)
    records = json.loads(frame.to_json(orient="records"))
    without_blanks = [{name: cell for name, cell in records[0].items() if cell is not None}]
    for path in ("/ping", "/health", "/version", "/invocations", "/nothing", "/invocations/"):
        for method in ("GET", "HEAD", "POST", "PUT"):
            yield method, path, content if method in {"POST", "PUT"} else b"", JSON
    for document in ({"dataframe_records": records}, {"instances": without_blanks}, split(houses, 5) | {"params": {}}):
        yield "POST", "/invocations", json.dumps(document).encode(), JSON
    for wrong in (b"", b"{", b'{"dataframe_split": 7}', content.replace(b'"MSSubClass"', b'"Class"')):
        yield "POST", "/invocations", wrong, JSON
    yield "POST", "/invocations", frame.to_csv(index=False).encode(), "text/csv"
    yield "POST", "/invocations", b"", "text/csv"
    yield "POST", "/invocations", content, "text/plain"
    yield "POST", "/invocations", content, f"{JSON}; charset=latin-1"


def seen_by_a_caller(response: httpx.Response) -> tuple[int, dict[str, str], object]:
    """Status, headers and content, without what identifies server and model; prices by their values."""
    ignored = {"date", "server", "x-model-name", "x-model-version"}
    content: object = response.text
    if response.status_code == 200 and response.text.startswith('{"predictions"'):
        ignored.add("content-length")
        content = response.json()
    return (
        response.status_code,
        {name: value for name, value in response.headers.items() if name not in ignored},
        content,
    )


def test_stock_mlflow_server_gives_the_same_answer(
    server: Server, store: str, trained: Trained, houses: Houses, tmp_path: Path
) -> None:
    del trained
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent
    command = [
        *(str(scripts / "mlflow"), "models", "serve", "-m", "models:/housing-price@champion"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)),
    ]
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "PATH": f"{scripts}:{os.environ['PATH']}"}
    log = tmp_path / "mlflow.log"
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, env=environment, stdout=file, stderr=file, text=True, start_new_session=True, cwd=tmp_path
        ) as process,
    ):
        try:
            stock = Server(process, log, f"http://127.0.0.1:{port}")
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    answer = stock.post(split(houses, 5))[1]
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, log.read_text()
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.2)
            assert answer == server.post(split(houses, 5))[1]
            for method, path, content, content_type in requests_to_compare(houses):
                ours, theirs = (one.request(method, path, content, content_type) for one in (server, stock))
                without_url = str(theirs.headers.get("location", "")).replace(stock.url, server.url)
                assert str(ours.headers.pop("location", "")) == without_url
                theirs.headers.pop("location", None)
                assert seen_by_a_caller(ours) == seen_by_a_caller(theirs), (method, path, content[:40], content_type)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_server_imports_none_of_the_libraries_of_the_training() -> None:
    """They would add 90 MB and seconds to the start of each model server."""
    libraries = "{'sklearn', 'onnx', 'skl2onnx'}"
    code = f"import sys; import housing_price_model.serving.server; print({libraries} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.strip() == "set()", found.stdout
