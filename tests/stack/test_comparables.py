"""The comparables model in `housing-price up`, with fake services: served beside the price, which never needs it."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from housing_price.stack.state import State
from housing_price_model.lifecycle.documents import Roles, Server
from housing_price_model.lifecycle.serving_folder import ROUTES
from housing_price_platform.orders.moves import ServedModel

from ..fakes.fake_registry import export, register
from ..fakes.served_log import starts_of
from ..running import Up

pytestmark = pytest.mark.full

type Start = Callable[..., Up]


def test_the_first_start_trains_exports_and_serves_both_models_and_the_second_serves_them_again(start: Start) -> None:
    first = start()
    first.wait_until_up()
    assert "exporting version 1, the champion" in first.log
    assert "exporting version 1 of the comparables model, the champion" in first.log
    assert "All services are running (" in first.log
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    second = start(state=first.state)
    second.wait_until_up()
    assert "exporting" not in second.log
    once, again = starts_of(second.state, ServedModel.COMPARABLES)
    assert once == again
    assert once[0] == "1"


def test_the_orchestrator_gets_the_address_of_the_comparables_server(start: Start) -> None:
    up = start()
    up.wait_until_up()
    port = (State(up.state).read_holder() or {})["ports"]["comparables-server"]
    variables = Path(f"/proc/{up.pid_of('housing_price_orchestrator serve')}/environ").read_bytes().split(b"\0")
    assert f"ORCHESTRATOR_COMPARABLES__BASE_URL=http://127.0.0.1:{port}".encode() in variables
    serving = State(up.state).serving.of(ServedModel.COMPARABLES)
    assert f"ORCHESTRATOR_COMPARABLES__ROUTES_FILE={serving.folder / ROUTES}".encode() in variables
    observed = serving.observed()
    route = json.loads((serving.folder / ROUTES).read_text())["champion"]
    assert (route["version"], route["addresses"]) == ("1", [f"http://127.0.0.1:{port}"])
    assert [server.address for server in observed.servers] == [f"http://127.0.0.1:{port}"]


def test_a_state_without_a_comparables_model_starts_and_says_what_to_do(start: Start) -> None:
    up = start(environment={"FAKE_NO_COMPARABLES": "yes"})
    up.wait_until_up()
    assert "the registry has no comparables model, so valuations have no comparable sales. Train one with" in up.log
    assert "All services are running except comparables-server" in up.log
    # A version that is promoted later is served without a restart.
    champion = register(up.state, "1", model=ServedModel.COMPARABLES)
    export(up.state, champion, ServedModel.COMPARABLES)
    assert champion.digest
    server = Server(version="1", model_id="m", digest=champion.digest, folder="versions/1")
    State(up.state).serving.of(ServedModel.COMPARABLES).write_desired((server,), Roles(champion="1"))
    up.wait_for("comparables-server: ready")
    up.signal(signal.SIGTERM)
    assert up.wait() == 0


def test_a_comparables_server_that_cannot_start_does_not_stop_the_prices(start: Start) -> None:
    up = start(environment={"FAKE_DIES": "comparables-server:1"})
    up.wait_until_up(60)
    assert "valuations have no comparable sales: the comparables-server failed to start 3 times" in up.log
    assert "All services are running except comparables-server" in up.log


def test_a_folder_that_cannot_be_used_does_not_stop_the_prices(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "serving").mkdir(parents=True)
    (state / "serving" / "comparables").write_text("")
    up = start(state=state)
    up.wait_until_up()
    assert f"valuations have no comparable sales: cannot write to {state / 'serving' / 'comparables'}" in up.log
    assert "All services are running except comparables-server" in up.log
    assert "Traceback" not in up.log


def test_a_damaged_export_of_the_comparables_model_is_replaced(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state"
    export(state, register(state, "1"))
    champion = register(state, "1", model=ServedModel.COMPARABLES)
    export(state, champion, ServedModel.COMPARABLES)
    (State(state).serving.of(ServedModel.COMPARABLES).export_of("1") / "model" / "MLmodel").write_text("changed")
    up = start(state=state)
    up.wait_until_up()
    assert "exporting version 1 of the comparables model" in up.log
    assert starts_of(up.state, ServedModel.COMPARABLES) == [("1", champion.digest)]
