"""The exported model under a real MLServer, in an environment from its own lock file."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from housing_price_model.artefact.export import MANIFEST, MODEL, Manifest, digest_of, read_export, write_export
from housing_price_model.artefact.kinds import COMPARABLES
from housing_price_model.survey.data import BUNDLED, read_houses

REPOSITORY = Path(__file__).parents[3]
PROJECT = REPOSITORY / "housing-price-model" / "mlserver"
JSON = {"Content-Type": "application/json"}

needs_mlserver = pytest.mark.mlserver

type Serve = Callable[..., AbstractContextManager[Server]]


@dataclass
class Server:
    """A `housing-price-mlserver` process."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def port(self) -> int:
        found = re.search(r"Uvicorn running on http://127\.0\.0\.1:(\d+)", self.log)
        assert found, self.log
        return int(found[1])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def price(self, body: bytes) -> httpx.Response:
        return httpx.post(self.url("/invocations"), content=body, headers=JSON, timeout=60, trust_env=False)

    def wait_until_it_prices(self, body: bytes, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, self.log
            if "Uvicorn running on" in self.log:
                answer = self.price(body)
                if answer.is_success and answer.json()["predictions"]:
                    return
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def has_running_processes(self) -> bool:
        """Whether a process of its group still runs; call it after the group leader has ended."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


def find_uv() -> str | None:
    for found in (os.environ.get("UV"), shutil.which("uv"), str(REPOSITORY / ".uv" / "bin" / "uv")):
        # A shim on the PATH may not work in this folder, so run it once.
        if found and Path(found).exists():
            answer = subprocess.run([found, "--version"], capture_output=True, check=False)
            if answer.returncode == 0:
                return found
    return None


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    uv = find_uv()
    if uv is None:
        pytest.skip("MLServer needs uv to install its own environment, and no working uv was found")
    # Variables of the test environment must not affect the other project.
    mine = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in mine}
    project = ("--frozen", "--quiet", "--project", str(PROJECT))
    subprocess.run([uv, "sync", *project], env=environment, check=True, timeout=270)

    @contextmanager
    def start(folder: Path, *options: str) -> Iterator[Server]:
        log_file = tmp_path_factory.mktemp("mlserver") / "log"
        command = [uv, "run", *project, "housing-price-mlserver", str(folder), *(options or ("--port", "0"))]
        with log_file.open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            yield Server(process, log_file)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    return start


@pytest.fixture(scope="module")
def houses() -> dict[str, Any]:
    """All 2,930 houses as the orchestrator sends them, with null for blank."""
    features = read_houses(BUNDLED).features
    cells = features.astype(object).where(features.notna(), None)
    return {"columns": list(cells.columns), "data": cells.to_numpy().tolist()}


def body(houses: dict[str, Any], rows: Sequence[int]) -> bytes:
    split = {"columns": houses["columns"], "data": [houses["data"][row] for row in rows]}
    return json.dumps({"dataframe_split": split}).encode()


@pytest.fixture(scope="module")
def server(serve: Serve, champion: Path, houses: dict[str, Any]) -> Iterator[Server]:
    with serve(champion) as running:
        running.wait_until_it_prices(body(houses, [0]))
        yield running


@pytest.fixture(scope="module")
def model(champion: Path) -> Any:
    """The same model in this process, loaded as MLflow's own server does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own types when it is imported
        from mlflow import pyfunc  # noqa: PLC0415 - under the filter

        return pyfunc.load_model(str(champion / MODEL))


@needs_mlserver
def test_mlserver_and_mlflow_return_the_same_bytes_for_all_houses(
    server: Server, model: Any, houses: dict[str, Any]
) -> None:
    from mlflow.pyfunc import scoring_server  # noqa: PLC0415 - after the fixture that imports it first

    everything = body(houses, range(len(houses["data"])))
    with TestClient(scoring_server.init(model)) as mlflows:
        expected = mlflows.post("/invocations", content=everything, headers=JSON)

    answer = server.price(everything)

    assert answer.status_code == expected.status_code == 200
    assert len(answer.json()["predictions"]) == len(houses["data"]) == 2930
    assert answer.content == expected.content


@needs_mlserver
def test_prices_equal_those_of_the_model_in_this_process_bit_for_bit(
    server: Server, model: Any, houses: dict[str, Any]
) -> None:
    frame = read_houses(BUNDLED).features
    rows = range(0, len(frame), 97)
    expected = model.predict(frame.iloc[list(rows)]).to_dict(orient="records")

    assert server.price(body(houses, rows)).json()["predictions"] == expected
    assert [server.price(body(houses, [row])).json()["predictions"][0] for row in rows] == expected


@needs_mlserver
def test_prices_have_the_model_id_of_the_export(server: Server, champion: Path, houses: dict[str, Any]) -> None:
    (prediction,) = server.price(body(houses, [0])).json()["predictions"]

    assert prediction.keys() == {"price", "low", "high", "model_id"}
    assert prediction["model_id"] == read_export(champion).model_id


@needs_mlserver
def test_ping_succeeds_once_the_model_is_loaded(server: Server) -> None:
    assert httpx.get(server.url("/ping"), trust_env=False).status_code == 200


@needs_mlserver
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_the_server_despite_an_incomplete_request(
    serve: Serve, champion: Path, houses: dict[str, Any], number: signal.Signals
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serve(champion))
        server.wait_until_it_prices(body(houses, [0]))
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        caller.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.2)  # the request must be in flight

        server.process.send_signal(number)

        assert server.process.wait(10) == 0, server.log
        assert not server.has_running_processes()


@needs_mlserver
def test_request_in_flight_is_answered_before_the_server_stops(
    serve: Serve, champion: Path, houses: dict[str, Any]
) -> None:
    everything = body(houses, range(len(houses["data"])))
    fields = {**JSON, "Host": "localhost", "Content-Length": len(everything)}
    head = "POST /invocations HTTP/1.1\r\n" + "".join(f"{name}: {text}\r\n" for name, text in fields.items()) + "\r\n"
    with ExitStack() as stack:
        server = stack.enter_context(serve(champion))
        server.wait_until_it_prices(body(houses, [0]))
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        caller.sendall(head.encode() + everything[:-1])
        time.sleep(0.2)  # the request must be in flight

        server.process.terminate()
        caller.sendall(everything[-1:])
        answer = b"".join(iter(lambda: caller.recv(1 << 16), b""))

        assert answer.startswith(b"HTTP/1.1 200"), server.log
        assert answer.count(b"model_id") == len(houses["data"])
        assert server.process.wait(10) == 0, server.log


@needs_mlserver
def test_changed_byte_is_rejected_before_loading(serve: Serve, champion: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(champion, folder)
    (graph,) = (folder / MODEL).rglob("*.onnx")
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)

    with serve(folder) as server:
        assert server.process.wait(30) == 1
        assert "rejected" in server.log
        assert "Traceback" not in server.log
        assert "HTTP server running" not in server.log


@needs_mlserver
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow")
def test_export_of_comparables_is_refused_by_name(serve: Serve, comparables_model: Path, tmp_path: Path) -> None:
    digest = digest_of(comparables_model)
    manifest = Manifest(COMPARABLES.registered_name, "1", "0" * 16, digest, run_id="", created_at="")
    write_export(comparables_model, manifest, tmp_path / "comparables")

    with serve(tmp_path / "comparables") as server:
        assert server.process.wait(30) == 1
        (line,) = server.log.splitlines()
        assert line.endswith(
            "comparables: expected a model that prices houses; housing-comparables finds comparable sales"
        )


@needs_mlserver
def test_unloadable_model_stops_the_server_with_an_error(serve: Serve, champion: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(champion, folder)
    (graph,) = (folder / MODEL).rglob("*.onnx")
    graph.write_bytes(b"no model")
    manifest = replace(read_export(champion), digest=digest_of(folder / MODEL))
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest)))

    with serve(folder) as server:
        assert server.process.wait(60) == 1, server.log


@needs_mlserver
def test_port_in_use_stops_the_server_with_an_error_naming_the_port(serve: Serve, champion: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serve(champion, "--port", str(port)) as server:
            assert server.process.wait(60) != 0
            assert str(port) in server.log


@pytest.mark.parametrize("package", ["mlflow", "numpy", "onnxruntime", "pandas"])
def test_packages_that_affect_prices_have_the_same_version_in_both_locks(package: str) -> None:
    def locked(folder: Path) -> set[str]:
        packages = tomllib.loads((folder / "uv.lock").read_text())["package"]
        return {found["version"] for found in packages if found["name"] == package}

    assert locked(PROJECT) == locked(REPOSITORY)


def test_dependency_metadata_matches_the_versions_of_the_packages() -> None:
    """uv ignores metadata of another version, and the package's own dependencies conflict with MLServer's."""
    mine = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["uv"]["dependency-metadata"]
    folders = (PROJECT.parent, PROJECT.parents[1] / "housing-price-platform")
    theirs = [tomllib.loads((folder / "pyproject.toml").read_text())["project"] for folder in folders]

    assert [(said["name"], said["version"]) for said in mine] == [(one["name"], one["version"]) for one in theirs]
