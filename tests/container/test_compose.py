"""The stack of `compose.yaml` on a real container engine: build, start, loss of the model server, swap, removal."""

import io
import json
import os
import re
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.artefact.export import digest_of
from housing_price_model.registry.downloads import download
from housing_price_model.registry.names import DIGEST_TAG, MODEL_ID_TAG, NAME
from housing_price_model.registry.versions import connect, register_challenger
from housing_price_model.training.train import train
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from rpc_client import priced, rpc_client
from waiting import wait_until

from ..lifecycle_store import QUICK, change_golden, every_tenth_house, logged_model
from ..traffic import Traffic
from .engine import reason_for_no_engine

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "request-1461.json"
GRPC_EXAMPLE = REPOSITORY / "examples" / "grpc-request-1461.json"
WITH_GRPC = ("--file", "compose.yaml", "--file", "deploy/compose.grpc.yaml")
SWAP_PAGE = REPOSITORY / "docs" / "model-life.md"
MODEL_SERVERS = ("model-server", "comparables-server")
WORKERS = ("scoring-worker", "training-worker", "lifecycle-worker")
RUNNING = ("tracking-server", *MODEL_SERVERS, "orchestrator", *WORKERS)

# The first build installs every package, and `up --wait` trains the model.
# The tests share one stack, and the last one changes its champion and its model server.
pytestmark = [pytest.mark.container, pytest.mark.timeout(1800), pytest.mark.random_order(disabled=True)]


@dataclass(frozen=True)
class Stack:
    """A separate compose project on free ports."""

    project: str

    def variables(self, profile: str) -> dict[str, str]:
        """Return the environment of its commands."""
        variables = os.environ | {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": profile,
            "ORCHESTRATOR_PORT": "0",
            "TRACKING_PORT": "0",
            "GRPC_PORT": "0",
        }
        for name in ("PUBLISH_ADDRESS", "TRACKING_PUBLISH_ADDRESS"):
            variables.pop(name, None)
        return variables

    def compose(self, *arguments: str, profile: str = "mlflow", check: bool = True) -> str:
        """Run `docker compose` and return its output; a failure fails the test with that output."""
        command = ["docker", "compose", "--progress", "plain", *arguments]
        completed = subprocess.run(
            command, cwd=REPOSITORY, env=self.variables(profile), capture_output=True, text=True, check=False
        )
        assert completed.returncode == 0 or not check, f"{' '.join(command)}\n{completed.stdout}\n{completed.stderr}"
        return completed.stdout

    def shell(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run shell commands with the project's commands on the PATH; stops at the first failure."""
        variables = self.variables("mlflow") | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOUSING_PRICE_API_URL": self.published("orchestrator", 8000),
            "MLFLOW_TRACKING_URI": self.published("tracking-server", 9999),
        }
        command = ["bash", "-euxo", "pipefail", "-c", commands]
        return subprocess.run(
            command, cwd=REPOSITORY, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    def published(self, service: str, port: int) -> str:
        return f"http://{self.compose('port', service, str(port)).strip()}"

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "--all", "--quiet", service, profile="*").strip()
        answer = subprocess.run(["docker", "inspect", container], capture_output=True, check=True)
        (found,) = json.loads(answer.stdout)
        return dict(found)

    def python(self, service: str, code: str) -> str:
        """Run Python code in a running container and return its output."""
        return self.compose("exec", "-T", service, "python", "-c", code).strip()

    def post_example(self) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        with httpx.Client(base_url=self.published("orchestrator", 8000), timeout=30, trust_env=False) as client:
            return client.post("/api/v1/price/predict", content=EXAMPLE.read_bytes(), headers=headers)

    def wait_for_price(self, seconds: float) -> dict[str, Any]:
        """Wait until the example is priced; return the response without the transaction id."""
        deadline = time.monotonic() + seconds
        while (answer := self.post_example()).status_code != 200:
            assert time.monotonic() < deadline, f"{answer.text}\n{self.compose('logs', '--tail', '50')}"
            time.sleep(0.2)
        return {key: value for key, value in answer.json().items() if key != "transactionId"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack after `docker compose up --build --wait`."""
    if reason := reason_for_no_engine():
        pytest.skip(f"needs a container engine: {reason}")
    stack = Stack(f"housing-price-test-{uuid.uuid4().hex[:8]}")
    try:
        stack.compose("up", "--build", "--wait")
        yield stack
    finally:
        stack.compose(
            "down", "--volumes", "--remove-orphans", "--rmi", "all", "--timeout", "5", profile="*", check=False
        )


def test_the_example_is_priced_as_soon_as_up_returns(stack: Stack) -> None:
    answer = stack.post_example()

    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 1461
    assert answer.json()["predictedPrice"] == pytest.approx(105_000, abs=20_000)
    assert answer.json()["model"]["version"] == "1"


def wait_for_job(api: httpx.Client, path: str, stack: Stack, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (job := api.get(path).json())["state"] in {"queued", "running"}:
        assert time.monotonic() < deadline, f"{job}\n{stack.compose('logs', '--tail', '50')}"
        time.sleep(0.2)
    return dict(job)


def test_a_worker_prices_a_file_and_the_result_can_be_downloaded(stack: Stack) -> None:
    """NDJSON, resumed after the worker was killed; and Parquet, which only the worker can read."""
    house = json.loads(EXAMPLE.read_bytes())
    url = stack.published("orchestrator", 8000)
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as api:
        content = b"".join(json.dumps(house | {"id": number}).encode() + b"\n" for number in range(1, 2_001))
        sent = api.post("/api/v1/jobs/scoring", content=content, headers={"content-type": "application/x-ndjson"})
        assert sent.status_code == 202, sent.text
        path = sent.headers["location"]
        stack.compose("kill", "--signal", "KILL", "scoring-worker")
        stack.compose("up", "--detach", "--no-deps", "scoring-worker")
        assert wait_for_job(api, path, stack, 120)["state"] == "succeeded"
        priced = [json.loads(line) for line in api.get(f"{path}/result").text.splitlines()]
        assert [price["row"] for price in priced] == list(range(1, 2_001))
        single = stack.wait_for_price(60)
        assert {price["predictedPrice"] for price in priced} == {single["predictedPrice"]}
        table = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([house]), table)
        media_type = {"content-type": "application/vnd.apache.parquet"}
        path = api.post("/api/v1/jobs/scoring", content=table.getvalue(), headers=media_type).headers["location"]
        assert wait_for_job(api, path, stack, 120)["state"] == "succeeded"
        (row,) = pq.read_table(io.BytesIO(api.get(f"{path}/result").content)).to_pylist()
        assert row["predictedPrice"] == single["predictedPrice"]


def test_a_worker_trains_a_model(stack: Stack) -> None:
    """The result of the gate is not checked: it compares with the champion, which was trained on the same data."""
    with httpx.Client(base_url=stack.published("orchestrator", 8000), timeout=30, trust_env=False) as api:
        path = api.post("/api/v1/jobs/training", json={"source": "bundled", "seed": 1}).headers["location"]
        job = wait_for_job(api, path, stack, 600)
        assert job["state"] == "succeeded", job
        assert api.get(f"{path}/result").json()["gate"]


def test_the_api_answers_503_without_its_model_server_and_recovers(stack: Stack) -> None:
    price = stack.wait_for_price(60)

    stack.compose("stop", "model-server")
    try:
        answer = stack.post_example()
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        url = stack.published("orchestrator", 8000)
        assert httpx.get(f"{url}/livez", trust_env=False).status_code == 200
        # Readiness is the result of the last periodic check, so wait for the next one.
        wait_until(
            lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 503,
            "the API still reports that it is ready",
        )
    finally:
        stack.compose("start", "model-server")

    assert stack.wait_for_price(60) == price


def test_the_comparables_model_is_in_service_and_prices_do_not_need_it(stack: Stack) -> None:
    url = stack.published("orchestrator", 8000)

    def comparables() -> dict[str, Any]:
        return dict(httpx.get(f"{url}/api/v1/models", trust_env=False, timeout=30).json()["comparables"])

    wait_until(lambda: comparables()["isAnswering"], "the comparables server does not answer", seconds=60)
    assert (comparables()["version"], comparables()["addresses"]) == ("1", ["http://comparables-server:8081"])
    price = stack.wait_for_price(60)
    stack.compose("stop", "comparables-server")
    try:
        wait_until(lambda: not comparables()["isAnswering"], "it is still reported as answering", seconds=60)
        assert stack.wait_for_price(10) == price
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    finally:
        stack.compose("start", "comparables-server")
    wait_until(lambda: comparables()["isAnswering"], "it did not recover", seconds=60)


def test_the_override_publishes_grpc_on_loopback_with_the_same_prices(stack: Stack) -> None:
    price = stack.wait_for_price(60)
    request = json_format.Parse(GRPC_EXAMPLE.read_text(), price_pb2.PredictRequest())
    try:
        # The same image, with another setting and one more port.
        stack.compose(*WITH_GRPC, "up", "--wait", "--no-build", "--no-deps", "orchestrator")
        address = stack.compose(*WITH_GRPC, "port", "orchestrator", "50051").strip()
        assert address.startswith("127.0.0.1:")
        stack.wait_for_price(60)
        with rpc_client(address) as rpc:
            prediction = priced(rpc.call("Predict", request))
            health = rpc.call("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest())
        assert prediction.predicted_price == price["predictedPrice"]
        assert prediction.model.id == price["model"]["id"]
        assert (
            health_pb2.HealthCheckResponse.FromString(health.message).status == health_pb2.HealthCheckResponse.SERVING
        )
        assert_hardened(stack.inspect("orchestrator"))
    finally:
        stack.compose("up", "--wait", "--no-build", "--no-deps", "orchestrator")
    # Without the override, there is no gRPC.
    assert "gRPC running" not in stack.compose("logs", "orchestrator")
    assert stack.wait_for_price(60) == price


def test_mlserver_returns_identical_prices(stack: Stack) -> None:
    price = stack.wait_for_price(60)

    stack.compose("stop", "model-server")
    try:
        stack.compose("up", "--build", "--wait", "--no-deps", "model-server-mlserver", profile="*")
        other = stack.wait_for_price(60)
        assert_hardened(stack.inspect("model-server-mlserver"))
    finally:
        stack.compose("rm", "--stop", "--force", "model-server-mlserver", profile="*")
        stack.compose("start", "model-server")

    # MLServer reports no version, so the API returns the model's id instead.
    assert other == price | {"model": price["model"] | {"version": price["model"]["id"]}}
    assert stack.wait_for_price(60) == price


def test_a_second_start_does_not_train(stack: Stack) -> None:
    def versions() -> list[str]:
        url = f"{stack.published('tracking-server', 9999)}/api/2.0/mlflow/model-versions/search"
        found = httpx.get(url, params={"max_results": 10}, trust_env=False).json()["model_versions"]
        return [version["version"] for version in found]

    # A worker may have registered a challenger as well.
    before = versions()
    assert "1" in before
    stack.compose("up", "--force-recreate", "--no-deps", "trainer")  # attached, so it returns when the trainer exits
    assert versions() == before
    assert stack.inspect("trainer")["State"]["ExitCode"] == 0


def assert_hardened(container: dict[str, Any]) -> None:
    host = container["HostConfig"]
    assert container["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0


@pytest.mark.parametrize("service", [*RUNNING, "trainer"])
def test_every_container_is_hardened(stack: Stack, service: str) -> None:
    assert_hardened(stack.inspect(service))


@pytest.mark.parametrize("service", RUNNING)
def test_processes_are_unprivileged_and_the_root_file_system_is_read_only(stack: Stack, service: str) -> None:
    code = """
import errno, os
assert os.getuid() == 10001, os.getuid()
for folder in ("/", "/app", "/usr/local", "/etc"):
    try:
        open(os.path.join(folder, "x"), "w")
    except OSError as error:
        assert error.errno == errno.EROFS, error
    else:
        raise AssertionError(folder)
print("read-only")
"""
    assert stack.python(service, code) == "read-only"


@pytest.mark.parametrize("service", RUNNING)
def test_no_process_can_gain_privileges(stack: Stack, service: str) -> None:
    """Reads the privileges of each process in the container, including the first, from the kernel."""
    code = """
import json, pathlib
found = {}
for path in pathlib.Path("/proc").glob("[0-9]*/status"):
    try:
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
    except (FileNotFoundError, ProcessLookupError):
        continue
    names = "Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"
    found[path.parent.name] = {name: lines[name].split() for name in names}
print(json.dumps(found))
"""
    found = json.loads(stack.python(service, code))
    assert "1" in found
    assert len(found) >= 3  # init, the service and this process
    for process in found.values():
        assert set(process["Uid"]) == set(process["Gid"]) == {"10001"}
        assert {name: process[name] for name in process if name.startswith("Cap")} == {
            name: ["0" * 16] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        }
        assert process["NoNewPrivs"] == ["1"]


@pytest.mark.parametrize("service", RUNNING)
def test_the_kernel_enforces_the_limits_of_memory_and_processes(stack: Stack, service: str) -> None:
    code = """
import pathlib
for new, old in (("memory.max", "memory/memory.limit_in_bytes"), ("pids.max", "pids/pids.max")):
    for path in (pathlib.Path("/sys/fs/cgroup", new), pathlib.Path("/sys/fs/cgroup", old)):
        if path.exists():
            print(path.read_text().strip())
            break
"""
    host = stack.inspect(service)["HostConfig"]
    assert stack.python(service, code).split() == [str(host["Memory"]), str(host["PidsLimit"])]


@pytest.mark.parametrize("service", RUNNING)
def test_the_sbom_in_an_image_lists_exactly_what_is_installed(stack: Stack, service: str) -> None:
    code = """
import json, re
from importlib.metadata import distributions
sbom = json.load(open("/app/sbom.cdx.json"))
entries = [sbom["metadata"]["component"], *sbom["components"]]
listed = {(entry["name"], entry["version"]) for entry in entries}
# Packages for other platforms or Python versions have a marker.
elsewhere = {
    (entry["name"], entry["version"])
    for entry in entries
    if any(given["name"] == "uv:package:marker" for given in entry.get("properties", []))
}
found = distributions(path=["/app/lib/python3.13/site-packages"])
installed = {(re.sub("[-_.]+", "-", package.name).lower(), package.version) for package in found}
print(json.dumps([sorted(installed - listed), sorted(listed - installed - elsewhere), len(installed)]))
"""
    unlisted, missing, installed = json.loads(stack.python(service, code))
    assert (unlisted, missing) == ([], [])
    assert installed > 10


@pytest.mark.parametrize("service", RUNNING)
def test_no_image_contains_build_tools(stack: Stack, service: str) -> None:
    code = "import shutil; print([name for name in ('uv', 'uvx', 'gcc', 'cc', 'make', 'git') if shutil.which(name)])"
    assert stack.python(service, code) == "[]"


def test_the_orchestrators_image_contains_no_data_science_packages(stack: Stack) -> None:
    code = """
from importlib.util import find_spec
names = "housing_price_model", "mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "scipy", "skl2onnx", "sklearn"
print([name for name in names if find_spec(name)])
"""
    assert stack.python("orchestrator", code) == "[]"


@pytest.mark.parametrize("server", MODEL_SERVERS)
def test_only_the_orchestrator_can_reach_a_model_server_which_can_reach_nothing(stack: Stack, server: str) -> None:
    assert not any(stack.inspect(server)["NetworkSettings"]["Ports"].values())
    networks = stack.inspect("tracking-server")["NetworkSettings"]["Networks"].values()
    (tracking,) = [network["IPAddress"] for network in networks]
    connect = f"""
import errno, socket, sys
for host, port in (("tracking-server", 9999), ("{tracking}", 9999), ("192.0.2.1", 80)):
    try:
        socket.create_connection((host, port), 2).close()
        print("reached")
    except socket.gaierror:
        print("no such name")
    except OSError as error:
        print(errno.errorcode.get(error.errno, "no answer"))
"""

    # Neither the tracking server, by name or address, nor any other host: it has no route.
    assert stack.python(server, connect).split("\n") == ["no such name", "ENETUNREACH", "ENETUNREACH"]
    # The same code succeeds in a container on that network, so the networks cause the isolation.
    assert stack.python("tracking-server", connect).split("\n")[:2] == ["reached", "reached"]


@pytest.mark.parametrize("server", MODEL_SERVERS)
def test_a_model_server_has_no_credentials_and_loads_no_pickle(stack: Stack, server: str) -> None:
    variables = dict(entry.partition("=")[::2] for entry in stack.inspect(server)["Config"]["Env"])
    words = ("TRACKING", "TOKEN", "PASSWORD", "SECRET", "USERNAME", "AWS")
    assert [name for name in variables if any(word in name.upper() for word in words)] == []
    assert variables["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


@pytest.mark.parametrize("server", MODEL_SERVERS)
def test_a_model_server_cannot_change_the_model_that_it_serves(stack: Stack, server: str) -> None:
    (mount,) = stack.inspect(server)["Mounts"]
    assert mount["Destination"] == "/export"
    assert mount["RW"] is False


@pytest.mark.parametrize(("service", "port"), [("orchestrator", 8000), ("tracking-server", 9999)])
def test_ports_are_published_on_loopback(stack: Stack, service: str, port: int) -> None:
    assert stack.published(service, port).startswith("http://127.0.0.1:")


def documented_commands(stack: Stack, number: int, version: str = "2") -> str:
    """Return a code block of the documented swap without a runner, adapted to this project and version."""
    _, _, section = SWAP_PAGE.read_text().partition("## Without a runner (Docker Compose)")
    block = re.findall(r"```console\n(.*?)```", section, re.DOTALL)[number]
    commands = re.sub(r"\b2\b", version, re.sub(r"^\$ ", "", block, flags=re.MULTILINE))
    commands = commands.replace("housing-price_serving", f"{stack.project}_serving")
    return commands.replace(f"model-server-{version}", name_of_server(stack, version))


def name_of_server(stack: Stack, version: str) -> str:
    return f"{stack.project}-server-{version}"


def running(*containers: str) -> list[str]:
    command = ["docker", "inspect", "--format", "{{.State.Running}}", *containers]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def register_versions(uri: str, folder: Path) -> tuple[str, str]:
    """Register a valid version and one with wrong golden answers; returns both version numbers."""
    client = connect(uri)
    trained = train(uri, every_tenth_house(folder / "few.csv"), 1, recipe=QUICK, with_registration=False)
    model_uri = logged_model(client, trained.run_id)
    good = register_challenger(client, model_uri, trained.run_id, trained.model_id, rmsle=0.2)
    model = download(f"models:/{NAME}/{good.version}", folder / "model")
    change_golden(model)
    client.log_artifacts(trained.run_id, str(model), "otherwise")
    source = f"{client.get_run(trained.run_id).info.artifact_uri}/otherwise"
    bad = client.create_model_version(NAME, source, trained.run_id).version
    for key, value in {DIGEST_TAG: digest_of(model), MODEL_ID_TAG: trained.model_id}.items():
        client.set_model_version_tag(NAME, bad, key, value)
    return good.version, str(bad)


# The last test: it changes the champion and the model server.
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow")
def test_the_documented_swap_fails_no_request_and_refuses_wrong_golden_answers(stack: Stack, tmp_path: Path) -> None:
    url, before = stack.published("orchestrator", 8000), stack.wait_for_price(60)
    good, bad = register_versions(stack.published("tracking-server", 9999), tmp_path)
    try:
        with Traffic(url) as traffic:
            prepared = stack.shell(documented_commands(stack, 0))
            assert prepared.returncode == 0, prepared.stderr
            refused = stack.shell(documented_commands(stack, 1, bad))
            assert (refused.returncode, refused.stdout.splitlines()[-1]) == (1, "failed"), refused.stderr
            assert "golden-answers-differ" in refused.stderr
            assert traffic.versions == ["1"]
            swapped = stack.shell(documented_commands(stack, 1, good))
            assert swapped.returncode == 0, swapped.stderr
        assert set(traffic.statuses) == {200}, traffic.statuses
        assert traffic.versions == ["1", good]
        # Inspected by name, because both containers belong to the same service of compose.
        assert running(f"{stack.project}-model-server-1", name_of_server(stack, good)) == ["false", "true"]
        after = stack.wait_for_price(60)
        assert (before["model"]["version"], after["model"]["version"]) == ("1", good)
        assert after["predictedPrice"] != before["predictedPrice"]
        # The scoring worker uses the new version too.
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as api:
            media_type = {"content-type": "application/x-ndjson"}
            line = json.dumps(json.loads(EXAMPLE.read_bytes())).encode()
            path = api.post("/api/v1/jobs/scoring", content=line, headers=media_type).headers["location"]
            assert wait_for_job(api, path, stack, 60)["state"] == "succeeded"
            assert json.loads(api.get(f"{path}/result").text)["predictedPrice"] == after["predictedPrice"]
    finally:
        servers = [name_of_server(stack, version) for version in (good, bad)]
        subprocess.run(["docker", "rm", "--force", *servers], capture_output=True, check=True)
