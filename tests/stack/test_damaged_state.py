"""`housing-price up` on a damaged state folder, with fake services: serves what is intact and says what is wrong."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price.stack.state import State
from small_disk import SmallDisk

from ..fakes.fake_registry import export, register
from ..fakes.served_log import starts_of
from ..running import Up, wait_until

pytestmark = pytest.mark.full

type Start = Callable[..., Up]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state of a stack that has served version 1."""
    folder = tmp_path / "state"
    export(folder, register(folder, "1"))
    return folder


def served_versions(state: Path) -> list[str]:
    return [version for version, _ in starts_of(state)]


def stop(up: Up) -> None:
    up.signal(signal.SIGTERM)
    assert up.wait(20) == 0
    assert "Traceback" not in up.log


DAMAGE = [b"", b'{"revision": ']


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_desired_state_is_written_again_at_the_start(start: Start, state: Path, content: bytes) -> None:
    State(state).serving.prepare()
    desired = state / "serving" / "desired.json"
    desired.write_bytes(content)
    up = start(state=state)
    up.wait_until_up()
    assert f"{desired}: damaged" in up.log
    assert json.loads(desired.read_bytes())["roles"]["champion"] == "1"
    assert served_versions(state) == ["1"]
    stop(up)


def test_canary_and_shadow_survive_a_damaged_desired_state(start: Start, state: Path) -> None:
    for version in ("2", "3"):
        export(state, register(state, version, f"content of {version}"))
    export(state, register(state, "1"))
    (state / "serving" / "desired.json").write_bytes(b"")
    route = {"modelId": "m", "addresses": ["http://127.0.0.1:1"]}
    limits = {"maxErrorRatio": 0.05, "maxLatencyRatio": 3.0, "maxMedianDeviation": 0.15, "leastRequests": 50}
    routes = {
        "revision": 7,
        "champion": {"version": "1", **route},
        "canary": {"version": "2", **route, "weight": 0.25, "limits": limits},
        "shadow": {"version": "3", **route, "sample": 0.5},
    }
    (state / "serving" / "routes.json").write_text(json.dumps(routes))
    up = start(state=state)
    up.wait_until_up()
    roles = json.loads((state / "serving" / "desired.json").read_bytes())["roles"]
    assert (roles["champion"], roles["canary"]["version"], roles["shadow"]["version"]) == ("1", "2", "3")
    assert (roles["canary"]["weight"], roles["shadow"]["sample"]) == (0.25, 0.5)
    wait_until(lambda: sorted(served_versions(state)) == ["1", "2", "3"], 30, "not all are served")
    stop(up)


@pytest.mark.parametrize("content", [b"", None])
@pytest.mark.parametrize("name", ["desired.json", "observed.json"])
def test_a_document_that_is_lost_while_the_stack_runs_is_written_again(
    start: Start, state: Path, name: str, content: bytes | None
) -> None:
    up = start(state=state)
    up.wait_until_up()
    document = state / "serving" / name
    before = json.loads(document.read_bytes())
    if content is None:
        document.unlink()
    else:
        document.write_bytes(content)

    def is_back() -> bool:
        try:
            return bool(json.loads(document.read_bytes()) == before)
        except (OSError, ValueError):
            return False

    wait_until(is_back, 20, lambda: f"{name} stayed lost:\n{up.log}")
    assert served_versions(state) == ["1"]
    stop(up)


def write_damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    match kind:
        case "no database":
            path.write_bytes(b"no database" * 1_000)
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "truncated within the header":
            path.write_bytes(content[:50])
        case "overwritten":
            path.write_bytes(content[:100] + b"\xaa" * (len(content) - 100))
        case "empty":
            path.write_bytes(b"")


@pytest.mark.parametrize(
    ("kind", "knows_what_was_served"),
    [
        ("no database", True),
        ("truncated", False),
        ("truncated within the header", False),
        ("overwritten", True),
        ("empty", True),
        ("empty", False),
    ],
)
def test_a_damaged_registry_does_not_keep_an_exported_model_from_being_served(
    start: Start, state: Path, kind: str, knows_what_was_served: bool
) -> None:
    if knows_what_was_served:
        first = start(state=state)
        first.wait_until_up()
        stop(first)
    write_damage(state / "mlflow.db", kind)
    up = start(state=state)
    up.wait_until_up(60)
    assert f"{state / 'mlflow.db'} is damaged (" in up.log
    assert "training goes on" not in up.log
    assert served_versions(state)[-1] == "1"
    stop(up)


def test_a_damaged_registry_without_an_export_is_a_clear_error(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    register(state, "1")
    write_damage(state / "mlflow.db", "truncated")
    up = start(state=state)
    assert up.wait(60) == 1
    assert f"{state / 'mlflow.db'} is damaged (it is truncated" in up.log
    assert "Traceback" not in up.log


def test_a_tracking_server_that_cannot_start_does_not_stop_an_exported_model(start: Start, state: Path) -> None:
    up = start(state=state, environment={"FAKE_DIES": "tracking-server:1"})
    up.wait_until_up(60)
    assert "serving version 1 without the registry: the tracking-server failed to start" in up.log
    assert "the registry is out of service" in up.log
    assert "All services are running" not in up.log
    stop(up)


@pytest.mark.parametrize("name", ["predictions.db", "jobs.db"])
def test_other_damaged_databases_are_named(start: Start, state: Path, name: str) -> None:
    (state / name).write_bytes(b"no database" * 1_000)
    up = start(state=state)
    up.wait_until_up()
    assert f"{state / name} is damaged (file is not a database)" in up.log
    stop(up)


def test_a_damaged_export_is_written_again(start: Start, state: Path) -> None:
    for damaged in ("manifest.json", "model/MLmodel"):
        (state / "serving" / "versions" / "1" / damaged).write_bytes(b"")
    up = start(state=state)
    up.wait_until_up()
    assert "exporting version 1" in up.log
    stop(up)


def test_an_exported_model_is_served_from_a_full_disk(start: Start, small_disk: SmallDisk, tmp_path: Path) -> None:
    state = small_disk.folder / "state"
    export(state, register(state, "1"))
    elsewhere = {"FAKE_STATE": str(tmp_path)}  # what the fakes themselves write
    (tmp_path / "mlflow.db").write_bytes((state / "mlflow.db").read_bytes())
    first = start(state=state, environment=elsewhere)
    first.wait_until_up()
    stop(first)
    small_disk.fill()
    up = start(state=state, environment=elsewhere)
    up.wait_until_up(60)
    up.wait_for("candidates: ready")
    up.wait_for("No space left on device")
    assert up.process.poll() is None
    small_disk.free()
    up.wait_for("the state of the model servers is published again")
    stop(up)


def test_a_folder_in_the_place_of_a_file_is_named(start: Start, state: Path) -> None:
    (state / "serving" / "desired.json").mkdir(parents=True)
    up = start(state=state)
    assert up.wait(30) == 1
    assert f"error: cannot write to {state / 'serving'}: {state / 'serving' / 'desired.json'}" in up.log
    assert "Traceback" not in up.log


def test_a_file_in_the_place_of_a_folder_is_named(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "serving").write_text("")
    up = start(state=state)
    assert up.wait(30) == 1
    assert f"error: cannot write to {state / 'serving'}" in up.log
    assert "Traceback" not in up.log
