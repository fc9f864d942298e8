"""The stack of `compose.yaml` on a real engine: built, started, robbed of its model server, given it back, removed."""

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "request-1461.json"
RUNNING = ("tracking-server", "model-server", "orchestrator")

# The first build installs every package, and `up --wait` trains the model.
pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Stack:
    """A compose project of its own, on ports of its own."""

    project: str

    def compose(self, *arguments: str, profile: str = "mlflow", check: bool = True) -> str:
        """Run `docker compose`; fails the test with what it said."""
        variables = os.environ | {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": profile,
            "ORCHESTRATOR_PORT": "0",
            "TRACKING_PORT": "0",
        }
        for name in ("PUBLISH_ADDRESS", "TRACKING_PUBLISH_ADDRESS"):
            variables.pop(name, None)
        command = ["docker", "compose", "--progress", "plain", *arguments]
        ended = subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False)
        assert ended.returncode == 0 or not check, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def published(self, service: str, port: int) -> str:
        return f"http://{self.compose('port', service, str(port)).strip()}"

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "--all", "--quiet", service, profile="*").strip()
        answer = subprocess.run(["docker", "inspect", container], capture_output=True, check=True)
        (found,) = json.loads(answer.stdout)
        return dict(found)

    def python(self, service: str, code: str) -> str:
        """Run Python in a running container; gives what it prints."""
        return self.compose("exec", "-T", service, "python", "-c", code).strip()

    def post_example(self) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        with httpx.Client(base_url=self.published("orchestrator", 8000), timeout=30, trust_env=False) as client:
            return client.post("/api/v1/price/predict", content=EXAMPLE.read_bytes(), headers=headers)

    def wait_for_price(self, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (answer := self.post_example()).status_code != 200:
            assert time.monotonic() < deadline, f"{answer.text}\n{self.compose('logs', '--tail', '50')}"
            time.sleep(0.2)
        return dict(answer.json())


def why_no_engine() -> str | None:
    if shutil.which("docker") is None:
        return "docker was not found"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            return f"`{' '.join(command)}` failed: {answer.stderr.strip()}"
    return None


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack as `docker compose up --build --wait` leaves it."""
    if reason := why_no_engine():
        pytest.skip(f"needs a container engine: {reason}")
    stack = Stack(f"housing-price-test-{uuid.uuid4().hex[:8]}")
    try:
        stack.compose("up", "--build", "--wait")
        yield stack
    finally:
        stack.compose(
            "down", "--volumes", "--remove-orphans", "--rmi", "all", "--timeout", "5", profile="*", check=False
        )


def test_the_example_is_priced_as_soon_as_up_ends(stack: Stack) -> None:
    answer = stack.post_example()

    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 1461
    assert answer.json()["predictedPrice"] == pytest.approx(105_000, abs=20_000)
    assert answer.json()["model"]["version"] == "1"


def test_without_its_model_server_the_api_says_so_at_once_and_prices_again_when_it_is_back(stack: Stack) -> None:
    price = stack.post_example().json()

    stack.compose("stop", "model-server")
    try:
        answer = stack.post_example()
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.elapsed.total_seconds() < 1
        assert httpx.get(f"{stack.published('orchestrator', 8000)}/livez", trust_env=False).status_code == 200
        assert httpx.get(f"{stack.published('orchestrator', 8000)}/readyz", trust_env=False).status_code == 503
    finally:
        stack.compose("start", "model-server")

    assert stack.wait_for_price(60) == price


def test_mlserver_prices_with_the_same_bits(stack: Stack) -> None:
    price = stack.post_example().json()

    stack.compose("stop", "model-server")
    try:
        stack.compose("up", "--build", "--wait", "--no-deps", "model-server-mlserver", profile="*")
        other = stack.wait_for_price(60)
        assert_hardened(stack.inspect("model-server-mlserver"))
    finally:
        stack.compose("rm", "--stop", "--force", "model-server-mlserver", profile="*")
        stack.compose("start", "model-server")

    # MLServer names no version, so the model's id stands in for it.
    assert other == price | {"model": price["model"] | {"version": price["model"]["id"]}}
    assert stack.wait_for_price(60) == price


def test_a_second_start_trains_nothing(stack: Stack) -> None:
    stack.compose("up", "--force-recreate", "--no-deps", "trainer")  # attached, so it ends when the trainer does

    url = f"{stack.published('tracking-server', 9999)}/api/2.0/mlflow/model-versions/search"
    versions = httpx.get(url, params={"max_results": 10}, trust_env=False).json()["model_versions"]
    assert [version["version"] for version in versions] == ["1"]
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
def test_no_container_may_do_more_than_it_needs(stack: Stack, service: str) -> None:
    assert_hardened(stack.inspect(service))


@pytest.mark.parametrize("service", RUNNING)
def test_a_process_inside_is_nobody_special_and_cannot_change_the_root_file_system(stack: Stack, service: str) -> None:
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
print("as it should be")
"""
    assert stack.python(service, code) == "as it should be"


@pytest.mark.parametrize("service", RUNNING)
def test_no_image_holds_build_tools(stack: Stack, service: str) -> None:
    code = "import shutil; print([name for name in ('uv', 'uvx', 'gcc', 'cc', 'make', 'git') if shutil.which(name)])"
    assert stack.python(service, code) == "[]"


def test_the_orchestrators_image_holds_no_data_science(stack: Stack) -> None:
    code = """
from importlib.util import find_spec
names = "housing_price_model", "mlflow", "numpy", "onnxruntime", "pandas", "pyarrow", "scipy", "skl2onnx", "sklearn"
print([name for name in names if find_spec(name)])
"""
    assert stack.python("orchestrator", code) == "[]"


def test_the_model_server_can_be_reached_by_the_orchestrator_only(stack: Stack) -> None:
    assert not any(stack.inspect("model-server")["NetworkSettings"]["Ports"].values())
    code = """
import socket
for address in (("tracking-server", 9999), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, 2)
    except OSError:
        continue
    raise AssertionError(address)
print("nothing is in reach")
"""
    assert stack.python("model-server", code) == "nothing is in reach"


def test_the_model_server_cannot_change_the_model_that_it_serves(stack: Stack) -> None:
    (mount,) = stack.inspect("model-server")["Mounts"]
    assert mount["Destination"] == "/export"
    assert mount["RW"] is False


@pytest.mark.parametrize(("service", "port"), [("orchestrator", 8000), ("tracking-server", 9999)])
def test_ports_are_published_on_loopback(stack: Stack, service: str, port: int) -> None:
    assert stack.published(service, port).startswith("http://127.0.0.1:")
