"""`housing-price up` as a real process, with fake services that start at once."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from housing_price.stack.state import State
from housing_price_model.artefact.export import read_export
from housing_price_platform.orders.moves import ServedModel

from ..fakes.fake_registry import export, register
from ..fakes.served_log import FILES, starts_of
from ..running import COMPARABLES_SERVER, FREE_PORTS, PRICE_SERVER, Up, refused_up, wait_until

type Start = Callable[..., Up]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack for the tests that leave it running. It is slow to start, so they bear the marker `full`."""
    up = Up(tmp_path_factory.mktemp("running") / "state", fakes=True)
    try:
        up.wait_until_up()
        up.wait_for("candidates: ready")
        yield up
    finally:
        up.end()


def test_only_the_first_start_trains(start: Start) -> None:
    first = start()
    first.wait_until_up()
    assert "training           | training goes on" in first.log
    first.signal(signal.SIGTERM)
    assert first.wait() == 0

    second = start(state=first.state)
    second.wait_until_up()
    assert "training a model" not in second.log
    first_served, second_served = starts_of(second.state)
    assert first_served == second_served
    assert first_served[0] == "1"


def test_an_export_is_served_before_the_tracking_server_runs(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    export(state, register(state, "1"))
    up = start(state=state, environment={"FAKE_DIES": "tracking-server:0"})
    up.wait_for("model-server: ready", 20)
    up.wait_for("orchestrator: ready", 20)


def test_the_model_server_gets_the_digest_that_the_registry_recorded(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    champion = register(state, "1")
    export(state, champion)
    up = start(state=state)
    up.wait_until_up()
    assert starts_of(up.state) == [("1", champion.digest)]


@pytest.mark.parametrize(("version", "content"), [("2", "better"), ("1", "of a new registry")])
def test_a_new_champion_is_exported_and_only_it_is_served(
    start: Start, tmp_path: Path, version: str, content: str
) -> None:
    state = tmp_path / "state"
    export(state, register(state, "1"))
    champion = register(state, version, content)
    up = start(state=state)
    up.wait_until_up()
    assert starts_of(up.state) == [(version, champion.digest)]
    assert read_export(State(state).export_of(version)).digest == champion.digest


def test_without_a_registry_file_a_model_is_trained_and_replaces_the_export(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    export(state, register(state, "1"))
    (state / "mlflow.db").unlink()
    up = start(state=state)
    up.wait_until_up()
    assert "training: done" in up.log
    assert [version for version, _ in starts_of(up.state)] == ["1"]


def change_a_file(export: Path) -> None:
    (export / "model" / "MLmodel").write_text("changed")


def add_a_file(export: Path) -> None:
    (export / "model" / "added.py").touch()


def empty_the_manifest(export: Path) -> None:
    (export / "manifest.json").write_text("")


@pytest.mark.parametrize("damage", [change_a_file, add_a_file, empty_the_manifest])
def test_a_damaged_export_is_replaced_from_the_registry_before_it_is_served(
    start: Start, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    state = tmp_path / "state"
    champion = register(state, "1")
    export(state, champion)
    damage(State(state).export_of("1"))
    up = start(state=state)
    up.wait_until_up()
    assert "model-server: ended" not in up.log
    assert "exporting version 1, the champion" in up.log
    assert starts_of(up.state) == [("1", champion.digest)]


@pytest.mark.parametrize("how", [pytest.param(signal.SIGTERM, marks=pytest.mark.quick), signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_services_with_exit_status_0(start: Start, how: signal.Signals) -> None:
    up = start()
    up.wait_until_up()
    up.wait_for("candidates: ready")
    assert len(up.processes()) == 15  # the runner, seven leashes and seven services
    up.signal(how)
    assert up.wait() == 0


def test_further_signals_do_not_break_the_clean_up(start: Start) -> None:
    up = start()
    up.wait_until_up()
    while up.process.poll() is None:
        up.signal(signal.SIGINT)
        time.sleep(0.002)
    assert up.wait() == 0
    assert "Traceback" not in up.log


def test_a_signal_during_training_stops_all_services(start: Start) -> None:
    up = start(environment={"FAKE_TRAINS_FOR_EVER": "yes"})
    up.wait_for("training goes on")
    up.signal(signal.SIGINT)
    assert up.wait() == 0


def test_killing_the_runner_with_sigkill_leaves_no_process(start: Start) -> None:
    up = start()
    up.wait_until_up()
    up.process.kill()
    up.wait_until_no_process_is_left(10)


@pytest.mark.full
def test_a_start_right_after_the_runner_was_killed_waits_for_the_earlier_processes(start: Start) -> None:
    first = start(environment={"FAKE_IGNORES_SIGTERM": "orchestrator"})
    first.wait_until_up()
    holder = State(first.state).read_holder()
    assert holder is not None
    ports = holder["ports"]
    first.process.kill()
    first.process.wait()
    models = ("--model-server-port", str(ports["model-server"]), "--comparables-port", str(ports["comparables-server"]))
    others = ("--port", str(ports["orchestrator"]), "--tracking-port", str(ports["tracking-server"]))
    second = start(*models, *others, state=first.state)
    second.wait_until_up(60)
    assert "waiting for the processes of an earlier stack to end" in second.log
    assert second.url.endswith(f":{ports['orchestrator']}")
    assert not first.processes()


def test_the_stack_stops_when_the_process_of_stop_with_ends(start: Start) -> None:
    with subprocess.Popen(["sleep", "600"]) as starter:
        up = start("--stop-with", str(starter.pid))
        up.wait_until_up()
        starter.kill()
        starter.wait()
        assert up.wait() == 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("model-server", PRICE_SERVER),
        ("comparables-server", COMPARABLES_SERVER),
        ("orchestrator", "housing_price_orchestrator serve"),
        ("tracking-server", "mlflow_server"),
    ],
)
def test_a_killed_service_is_restarted_and_the_others_keep_running(running: Up, service: str, text: str) -> None:
    before = running.processes()
    victim = running.pid_of(text)
    os.kill(victim, signal.SIGKILL)
    running.wait_for(f"{service}: ended with signal SIGKILL")
    running.wait_for(f"{service}: ready", count=2)
    after = running.processes()
    stayed = {pid for pid, command in before.items() if text not in command}
    assert stayed <= after.keys()
    assert running.pid_of(text) != victim


def test_a_failed_training_stops_all_services_with_one_error(start: Start) -> None:
    up = start(environment={"FAKE_DIES": "training:4"})
    assert up.wait(60) == 1
    assert "training           | training has a bad setting" in up.log
    assert up.log.count("error: ") == 1
    assert "error: the training failed with exit status 4" in up.log
    assert "Traceback" not in up.log


@pytest.mark.parametrize(("service", "status"), [("tracking-server", 1), ("model-server", 0), ("orchestrator", 3)])
def test_a_service_that_cannot_start_stops_the_stack_with_its_last_output(
    start: Start, service: str, status: int
) -> None:
    up = start(environment={"FAKE_DIES": f"{service}:{status}"})
    assert up.wait(60) == 1
    assert f"error: the {service} failed to start" in up.log
    assert f"  {service} has a bad setting" in up.log


@pytest.mark.parametrize("service", ["tracking-server", "orchestrator", "lifecycle-worker", "training-worker"])
def test_a_service_that_rejects_its_configuration_stops_the_stack_at_once(start: Start, service: str) -> None:
    up = start(environment={"FAKE_DIES": f"{service}:2"})
    assert up.wait(60) == 1
    assert up.log.count(f"| {service} has a bad setting") == 1
    assert "failed to start 1 times: its configuration is invalid" in up.log
    assert f"  {service} has a bad setting" in up.log
    assert "restarting" not in up.log
    assert up.log.count("error: ") == 1


def test_the_scoring_worker_may_wait_for_that_of_the_previous_run(start: Start) -> None:
    up = start(environment={"FAKE_DIES": "scoring-worker:2"})
    up.wait_for("scoring: ended with exit status 2 after .* restarting", count=2)
    assert up.process.poll() is None


def test_an_orchestrator_that_cannot_start_is_reported_before_the_training_ends(start: Start) -> None:
    up = start(environment={"FAKE_DIES": "orchestrator:3", "FAKE_TRAINS_FOR_EVER": "yes"})
    assert up.wait(60) == 1
    assert "error: the orchestrator failed to start" in up.log


@pytest.mark.parametrize(
    ("option", "service"),
    [
        ("--port", "orchestrator"),
        ("--grpc-port", "grpc"),
        ("--model-server-port", "model-server"),
        ("--comparables-port", "comparables-server"),
        ("--tracking-port", "tracking-server"),
    ],
)
def test_a_port_in_use_is_an_error_that_names_port_service_and_option(start: Start, option: str, service: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = start(option, str(port))
        assert up.wait(60) == 1
    assert f"error: port {port} is in use by process {os.getpid()} (" in up.log
    assert f", and the {service} needs it: stop it, or choose another port with {option}" in up.log


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "99999"),
        ("--port", "x"),
        ("--grpc-port", "65536"),
        ("--model-server", "other"),
        ("--nonsense",),
    ],
)
def test_an_invalid_option_is_an_error_that_names_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    refused = refused_up(tmp_path / "state", *options)
    assert refused.exit_code == 2
    assert options[0] in refused.output


def test_a_host_of_another_machine_is_an_error(start: Start) -> None:
    up = start("--host", "192.0.2.1")
    assert up.wait(60) == 1
    assert "error: cannot listen on 192.0.2.1 (--host)" in up.log


def test_a_state_folder_serves_one_stack_at_a_time(running: Up, start: Start) -> None:
    second = start(state=running.state)
    assert second.wait(60) == 1
    assert f"process {running.process.pid}" in second.log
    assert "--state-dir" in second.log
    assert running.process.poll() is None


def test_a_state_folder_that_cannot_be_written_is_an_error(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    up = start(state=tmp_path / "file" / "state")
    assert up.wait(60) == 1
    assert "--state-dir" in up.log
    assert "Traceback" not in up.log


def test_a_closed_output_pipe_does_not_stop_the_clean_up(start: Start, tmp_path: Path) -> None:
    options = ["--state-dir", str(tmp_path / "state")]
    runner = shlex.join([sys.executable, "-m", "housing_price", "up", *FREE_PORTS, *options])
    pipe = ("bash", "-c", f"{runner} | head -n 1; exec sleep 600")
    up = start(command=pipe)
    wait_until((tmp_path / "state" / FILES[ServedModel.PRICE]).exists, 30, "nothing was served")
    os.kill(up.pid_of("-m housing_price up", but_not="bash"), signal.SIGTERM)
    wait_until(lambda: list(up.processes()) == [up.process.pid], 10, lambda: str(up.processes()))


@pytest.mark.full
def test_the_printed_addresses_answer(running: Up) -> None:
    assert httpx.get(f"{running.url}/livez").status_code == 200
    assert "the example house is priced at 105,000 USD" in running.log
    assert running.curl.endswith("request-1461.json")


def test_the_log_is_json_lines_only_on_request(start: Start) -> None:
    up = start(environment={"HOUSING_PRICE_LOG_FORMAT": "json"})
    up.wait_until_up()
    up.signal(signal.SIGTERM)
    assert up.wait(20) == 0
    events = [json.loads(line) for line in up.log.splitlines()]
    assert all({"service", "event", "level", "time"} <= event.keys() for event in events)
    (running,) = [event for event in events if event["event"].startswith("All services are running")]
    assert running["rows"]["House price API"].endswith("/api/v1/price/predict")
    assert {event["service"] for event in events} >= {"housing-price", "orchestrator", "tracking-server"}
