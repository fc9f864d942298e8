"""The states of a version, the documents of the serving folder and the arguments of a move, without any registry."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from housing_price_model.cli.app import app
from housing_price_model.errors import MoveError, ServingFolderError
from housing_price_model.lifecycle.documents import (
    CanaryRole,
    Desired,
    Observed,
    Roles,
    SeenServer,
    Server,
    ShadowRole,
)
from housing_price_model.lifecycle.move_request import move_of
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.states import NEXT, Cause, State, next_state
from housing_price_platform.orders.moves import Action, CanaryLimits
from http_server import Answer, Request, running_http_server

LEGAL = {
    "registered": {"challenger", "champion", "archived"},
    "challenger": {"shadow", "canary", "champion", "archived"},
    "shadow": {"challenger", "canary", "champion"},
    "canary": {"challenger", "shadow", "champion"},
    "champion": {"archived"},
    "archived": {"champion", "challenger"},
}
"""Allowed transitions, as documented."""


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_each_pair_of_states_is_as_documented(source: State, target: State) -> None:
    assert (target in NEXT[source].values()) is (target.value in LEGAL[source.value])


@pytest.mark.parametrize(("state", "cause"), list(product(State, Cause)))
def test_illegal_transition_is_refused_with_the_state(state: State, cause: Cause) -> None:
    if cause in NEXT[state]:
        assert next_state("2", state, cause) is NEXT[state][cause]
        return
    already = (state, cause) == (State.CHAMPION, Cause.PROMOTE)
    with pytest.raises(MoveError, match=f"Version 2 is {'already the ' if already else ''}{state}") as caught:
        next_state("2", state, cause)
    assert caught.value.code == "transition-illegal"


def test_champion_leaves_its_state_only_when_replaced() -> None:
    assert set(NEXT[State.CHAMPION]) == {Cause.REPLACED}
    assert [cause for cause, state in NEXT[State.ARCHIVED].items() if state is State.CHAMPION] == [Cause.RESTORED]


def test_move_is_read_from_the_argument_of_a_job() -> None:
    given = {"action": "canary", "version": "2", "weight": 0.1, "sample": None, "limits": {"leastRequests": 5}}
    move = move_of(given | {"by": "key-1", "reason": "to see"})
    assert (move.action, move.version, move.weight, move.by) == (Action.CANARY, "2", 0.1, "key-1")
    assert move.limits == CanaryLimits.model_validate({"leastRequests": 5})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"action": "delete"}, "action"),
        ({"version": "../2"}, "version"),
        ({"version": 2}, "version"),
        ({"version": "0"}, "version"),
        ({"version": "007"}, "version"),
        ({"version": "2147483648"}, "version"),
        ({"weight": 0.1}, "weight"),
        ({"action": "canary"}, "weight"),
        ({"action": "canary", "weight": 0}, "weight"),
        ({"action": "canary", "weight": 1e-320}, "weight"),
        ({"action": "canary", "weight": 1.5}, "weight"),
        ({"action": "canary", "weight": True}, "weight"),
        ({"action": "canary", "weight": 0.1, "limits": {"other": 1}}, "limits.other"),
        ({"sample": 0.5}, "sample"),
        ({"action": "shadow", "sample": 0}, "sample"),
        ({"limits": {}}, "limits"),
        ({"reason": "x" * 1001}, "reason"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_invalid_argument_is_refused_with_the_name_of_its_key(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(MoveError, match=says) as caught:
        move_of({"action": "promote", "version": "2"} | changes)
    assert caught.value.code == "invalid-argument"


@pytest.mark.parametrize("given", [None, [], "promote", {}, {"action": "promote"}])
def test_argument_that_is_not_a_move_is_refused(given: Any) -> None:
    with pytest.raises(MoveError):
        move_of(given)


def server(version: str) -> Server:
    return Server(version=version, model_id=f"m{version}", digest=f"sha256:{'0' * 64}", folder=f"versions/{version}")


def seen(version: str) -> SeenServer:
    return SeenServer(version=version, address=f"http://127.0.0.1:{9000 + int(version)}", state="ready")


def test_documents_are_written_in_camel_case_and_read_back(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    roles = Roles(champion="1", canary=CanaryRole(version="2", weight=0.1), shadow=ShadowRole(version="3", sample=0.5))
    desired = serving.write_desired((server("1"), server("2"), server("3")), roles)
    assert serving.desired() == desired
    serving.write_observed(Observed(revision=1, servers=(seen("1"), seen("2"), seen("3"))))
    revision = serving.write_routes(roles)
    assert json.loads((tmp_path / "routes.json").read_text()) == {
        "revision": revision,
        "champion": {"version": "1", "modelId": "m1", "addresses": ["http://127.0.0.1:9001"]},
        "canary": {
            "version": "2",
            "modelId": "m2",
            "addresses": ["http://127.0.0.1:9002"],
            "weight": 0.1,
            "limits": {"maxErrorRatio": 0.05, "maxLatencyRatio": 3.0, "maxMedianDeviation": 0.15, "leastRequests": 50},
        },
        "shadow": {"version": "3", "modelId": "m3", "addresses": ["http://127.0.0.1:9003"], "sample": 0.5},
    }
    assert list(tmp_path.glob(".*")) == []


def test_revision_increases_with_each_new_server_and_each_change_of_the_routes(tmp_path: Path) -> None:
    serving, roles = ServingFolder(tmp_path), Roles(champion="1")
    assert serving.write_desired((server("1"),), roles).revision == 1
    assert serving.write_desired((server("1"),), roles).revision == 1
    serving.write_observed(Observed(revision=1, servers=(seen("1"), seen("2"))))
    assert serving.write_routes(roles) == 2
    assert serving.write_routes(roles) == 2
    assert serving.write_desired((server("1"), server("2")), roles).revision == 3
    assert serving.write_routes(Roles(champion="2")) == 4
    assert serving.write_desired((server("2"),), Roles(champion="2")).revision == 3
    assert serving.desired() == Desired(revision=3, servers=(server("2"),), roles=Roles(champion="2"))


def test_canary_without_a_server_is_omitted_and_a_champion_without_one_is_an_error(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    roles = Roles(champion="1", canary=CanaryRole(version="2", weight=0.1))
    serving.write_desired((server("1"), server("2")), roles)
    serving.write_observed(Observed(revision=1, servers=(seen("1"),)))
    serving.write_routes(roles)
    routes = serving.routes()
    assert routes is not None
    assert routes.canary is None
    with pytest.raises(ServingFolderError, match="no champion"):
        serving.write_routes(Roles(champion="2"))


@pytest.mark.parametrize("text", ["", "{", "[]", "\0\0", '{"revision": "1"}'])
@pytest.mark.parametrize("name", ["desired.json", "observed.json", "routes.json"])
def test_a_damaged_document_is_replaced_and_no_revision_is_used_twice(tmp_path: Path, name: str, text: str) -> None:
    serving, roles = ServingFolder(tmp_path), Roles(champion="1")
    serving.write_desired((server("1"),), roles)
    serving.write_observed(Observed(revision=1, servers=(seen("1"),)))
    used = max(serving.write_routes(roles), serving.desired().revision)
    (tmp_path / name).write_text(text)
    match name:
        case "desired.json":
            with pytest.raises(ServingFolderError, match=rf"{name}: damaged .*restart"):
                serving.desired()
            assert serving.write_desired((server("1"),), roles).revision > used
            assert serving.desired().roles == roles
        case "observed.json":
            with pytest.raises(ServingFolderError, match=rf"{name}: damaged .*restart"):
                serving.observed()
            assert serving.observed_if_undamaged() == Observed()
            assert not serving.holds_observed(Observed())
            serving.write_observed(Observed(revision=1, servers=(seen("1"),)))
            assert serving.holds_observed(Observed(revision=1, servers=(seen("1"),)))
        case _:
            with pytest.raises(ServingFolderError, match=rf"{name}: damaged .*restart"):
                serving.routes()
            assert serving.write_routes(roles) >= used
            assert serving.routes() is not None


def test_a_lost_desired_state_is_restored_and_a_newer_one_is_kept(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    read = serving.write_desired((server("1"),), Roles(champion="1"))
    for lose in ((tmp_path / "desired.json").unlink, lambda: (tmp_path / "desired.json").write_bytes(b"")):
        lose()
        assert serving.restore_desired(read)
        assert serving.desired() == read
    newer = serving.write_desired((server("2"),), Roles(champion="2"))
    assert not serving.restore_desired(read)
    assert serving.desired() == newer


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"revision": 1, "more": 2}', '{"revision": "1"}', '{"revision": 1, "servers": [{}]}']
)
def test_invalid_document_is_refused_and_a_missing_one_is_empty(tmp_path: Path, text: str) -> None:
    serving = ServingFolder(tmp_path)
    assert serving.desired() == Desired()
    (tmp_path / "desired.json").write_text(text)
    with pytest.raises(ServingFolderError, match=r"desired\.json"):
        serving.desired()


def ready(_: Request) -> Answer:
    """Answer as a model server that is ready."""
    return Answer()


def observed_as(serving: ServingFolder, *servers: str, within: float = 20) -> Result:
    return CliRunner().invoke(app, ["observe", *servers, "--serving", str(serving.folder), "--within", str(within)])


def test_externally_started_servers_are_reported(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    serving.prepare()
    desired = serving.write_desired((server("1"), server("2")), Roles(champion="1"))
    with running_http_server(ready) as first, running_http_server(ready) as second:
        done = observed_as(serving, f"1={first}/")
        assert (done.exit_code, done.output) == (0, "Desired but not reported: version 2.\n")
        assert serving.observed() == Observed(
            revision=desired.revision, servers=(SeenServer(version="1", address=first, state="ready"),)
        )
        for address, other in ((first, second), (second, first)):
            assert observed_as(serving, f"1={address}", f"2={other}").exit_code == 0
            routes = serving.routes()
            assert routes is not None
            assert routes.champion.addresses == (address,)


def test_server_is_reported_as_soon_as_its_job_requests_it(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    serving.prepare()
    with running_http_server(ready) as address, ThreadPoolExecutor(1) as threads:
        early = threads.submit(observed_as, serving, f"1={address}")
        with pytest.raises(TimeoutError):
            early.result(0.3)
        desired = serving.write_desired((server("1"),), Roles())
        assert early.result(20).exit_code == 0
    assert serving.observed().revision == desired.revision


def test_unreachable_or_unrequested_server_is_not_reported(tmp_path: Path) -> None:
    serving = ServingFolder(tmp_path)
    serving.prepare()
    serving.write_desired((server("1"),), Roles(champion="1"))
    with running_http_server(ready) as address:
        unwanted = observed_as(serving, f"2={address}", within=0)
    gone = observed_as(serving, f"1={address}", within=0)
    assert (unwanted.exit_code, gone.exit_code) == (1, 1)
    assert "version 2 is not listed in desired.json" in unwanted.output
    assert f"version 1 does not answer at {address}" in gone.output
    assert serving.observed() == Observed()


@pytest.mark.parametrize("given", ["1", "=http://a:8080", "1=", "1=a:8080", "x=http://a:8080", "1=http://a:8080/path"])
def test_reported_server_needs_a_version_and_an_address(tmp_path: Path, given: str) -> None:
    done = CliRunner().invoke(app, ["observe", given, "--serving", str(tmp_path)])
    assert done.exit_code == 1
    assert "expected VERSION=URL" in done.output
    assert not (tmp_path / "observed.json").exists()
