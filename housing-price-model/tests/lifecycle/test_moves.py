"""Each move, step by step, over a real registry, real exports and servers that really answer."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lifecycle_store import CHAMPION, DAMAGED, OTHERWISE, SECOND, THIRD, LifecycleStore

from housing_price_model.errors import MoveError, RegistryError
from housing_price_model.lifecycle.documents import CanaryRole, Roles, ShadowRole
from housing_price_model.lifecycle.move_steps import Moving
from housing_price_model.lifecycle.plan import Plan
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.life_records import Lives
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import connect

from .serving_runner import ServingRunner

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

type Do = Callable[..., Plan]

SWAP = ("export", "start", "ask", "route", "record", "stop")
REMOVAL = ("route", "record", "stop")


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exports that one test made are there for the next."""
    folder = tmp_path_factory.mktemp("serving") / "versions"
    folder.mkdir()
    return folder


@pytest.fixture
def moving(lifecycle_store: LifecycleStore, exports: Path, tmp_path: Path) -> Moving:
    serving = ServingFolder(tmp_path / "serving")
    serving.folder.mkdir()
    (serving.folder / "versions").symlink_to(exports)
    return Moving(serving, lifecycle_store.copied_to(tmp_path), drain_seconds=0.0, ready_within_seconds=30.0)


@pytest.fixture
def runner(moving: Moving) -> Iterator[ServingRunner]:
    with ServingRunner(moving.serving) as runner:
        yield runner


@pytest.fixture
def do(moving: Moving, runner: ServingRunner) -> Do:
    """Makes a move as the workflow does; the registry's champion is served from the start."""
    del runner

    def do(action: str, version: str, **how: Any) -> Plan:
        asked = {"action": action, "version": version, "by": "key-1", "reason": "to see"} | how
        plan = moving.judge(asked)
        job = f"{action}-{version}"
        if plan.serve is not None:
            for step in (moving.export, moving.start, moving.ask):
                step(plan)
        if plan.before != plan.after:
            moving.route(plan)
        moving.record(plan, job, asked)
        if plan.before != plan.after:
            moving.stop(plan)
        return plan

    do("promote", CHAMPION)
    return do


def lives(moving: Moving) -> Lives:
    return Lives(connect(moving.tracking_uri))


def states(moving: Moving) -> dict[str, str]:
    return {life.version: life.state.value for life in lives(moving).all()}


def served(moving: Moving) -> tuple[str, str | None, str | None]:
    routes = moving.serving.routes()
    assert routes is not None
    return (
        routes.champion.version,
        routes.canary.version if routes.canary else None,
        routes.shadow.version if routes.shadow else None,
    )


def test_new_registry_knows_the_states_of_its_versions(moving: Moving) -> None:
    assert states(moving) == {
        CHAMPION: "champion",
        SECOND: "challenger",
        THIRD: "challenger",
        OTHERWISE: "registered",
        DAMAGED: "registered",
    }
    (first,) = lives(moving).find(CHAMPION).records
    assert (first.by, first.action, first.source, first.target) == (
        "training", "train", State.REGISTERED, State.CHAMPION,
    )  # fmt: skip


def test_promote_swaps_the_champion_and_writes_down_who_when_and_why(
    do: Do, moving: Moving, runner: ServingRunner
) -> None:
    plan = do("promote", SECOND)
    assert (plan.state, plan.previous) == ("champion", CHAMPION)
    assert states(moving) | {CHAMPION: "archived", SECOND: "champion"} == states(moving)
    assert lives(moving).champion() == SECOND
    assert served(moving) == (SECOND, None, None)
    assert [one.version for one in moving.serving.desired().servers] == [SECOND]
    record = lives(moving).find(SECOND).records[-1]
    assert (record.by, record.reason, record.job, record.other) == ("key-1", "to see", "promote-2", CHAMPION)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", record.at)
    gone = lives(moving).find(CHAMPION).records[-1]
    assert (gone.source, gone.target, gone.other) == (State.CHAMPION, State.ARCHIVED, SECOND)


def test_rollback_brings_back_the_champion_before_and_then_the_one_before_that(do: Do, moving: Moving) -> None:
    do("promote", SECOND)
    do("promote", THIRD)
    do("rollback", THIRD)
    assert (lives(moving).champion(), served(moving)[0]) == (SECOND, SECOND)
    do("rollback", SECOND)
    assert states(moving) | {CHAMPION: "champion", SECOND: "archived", THIRD: "archived"} == states(moving)
    with pytest.raises(MoveError, match="the first champion"):
        do("rollback", CHAMPION)


def test_canary_gets_its_part_and_another_weight_and_is_aborted_twice(do: Do, moving: Moving) -> None:
    do("canary", SECOND, weight=0.1)
    assert (served(moving), states(moving)[SECOND]) == ((CHAMPION, SECOND, None), "canary")
    do("canary", SECOND, weight=0.5, limits={"leastRequests": 7})
    routes = moving.serving.routes()
    assert routes is not None
    assert routes.canary is not None
    assert (routes.canary.weight, routes.canary.limits.least_requests) == (0.5, 7)
    assert do("abort", SECOND).state == "challenger"
    assert (served(moving), states(moving)[SECOND]) == ((CHAMPION, None, None), "challenger")
    assert do("abort", SECOND).state == "challenger"
    assert len(lives(moving).find(SECOND).records) == 3


def test_shadow_becomes_canary_becomes_champion_with_one_server_all_the_time(do: Do, moving: Moving) -> None:
    do("shadow", SECOND, sample=0.25)
    assert served(moving) == (CHAMPION, None, SECOND)
    address = moving.serving.observed().server(SECOND)
    do("canary", SECOND, weight=0.1)
    assert served(moving) == (CHAMPION, SECOND, None)
    do("promote", SECOND)
    assert served(moving) == (SECOND, None, None)
    assert moving.serving.observed().server(SECOND) == address
    assert moving.serving.desired().roles == Roles(champion=SECOND)


def test_second_canary_is_refused_and_shadow_and_canary_go_side_by_side(do: Do, moving: Moving) -> None:
    do("canary", SECOND, weight=0.1)
    with pytest.raises(MoveError, match="version 2 is the canary") as caught:
        do("canary", THIRD, weight=0.1)
    assert caught.value.code == "transition-illegal"
    do("shadow", THIRD)
    assert served(moving) == (CHAMPION, SECOND, THIRD)
    assert moving.serving.desired().roles == Roles(
        champion=CHAMPION, canary=CanaryRole(version=SECOND, weight=0.1), shadow=ShadowRole(version=THIRD)
    )
    do("rollback", SECOND)
    assert (served(moving), states(moving)[SECOND]) == ((CHAMPION, None, THIRD), "challenger")


def test_archive_takes_out_what_is_not_in_service(do: Do, moving: Moving) -> None:
    assert do("archive", SECOND).state == "archived"
    for action, how in (("promote", {}), ("canary", {"weight": 0.1}), ("archive", {}), ("rollback", {})):
        with pytest.raises(MoveError) as caught:
            do(action, SECOND, **how)
        assert caught.value.code == "transition-illegal"
    with pytest.raises(MoveError):
        do("archive", CHAMPION)
    with pytest.raises(MoveError):
        do("canary", OTHERWISE, weight=0.1)  # it has passed no gate


def test_unknown_version_is_told(do: Do) -> None:
    with pytest.raises(MoveError, match="no version 77") as caught:
        do("promote", "77")
    assert caught.value.code == "version-unknown"


def test_version_whose_golden_answers_differ_is_never_routed_to(do: Do, moving: Moving) -> None:
    with pytest.raises(MoveError, match=r"gives 1 of \d+ golden answers otherwise") as caught:
        do("promote", OTHERWISE)
    assert caught.value.code == "golden-answers-differ"
    assert served(moving) == (CHAMPION, None, None)


def test_files_that_are_not_those_that_were_registered_are_never_served(do: Do, moving: Moving) -> None:
    with pytest.raises(MoveError) as caught:
        do("promote", DAMAGED)
    assert caught.value.code == "model-refused"
    assert [one.version for one in moving.serving.desired().servers] == [CHAMPION]


def test_server_that_does_not_come_is_told_and_undone(do: Do, moving: Moving, runner: ServingRunner) -> None:
    del do
    runner.may_start = lambda _version: False
    impatient = replace(moving, ready_within_seconds=0.3)
    plan = moving.judge({"action": "promote", "version": SECOND})
    moving.export(plan)
    with pytest.raises(MoveError, match="was not ready within") as caught:
        impatient.start(plan)
    assert caught.value.code == "model-server-not-ready"
    moving.undo(plan, "job", {"action": "promote", "version": SECOND}, pytest.fail)
    assert [one.version for one in moving.serving.desired().servers] == [CHAMPION]
    assert served(moving) == (CHAMPION, None, None)


def test_move_that_was_written_down_by_half_is_taken_back(do: Do, moving: Moving) -> None:
    before = states(moving)
    asked = {"action": "promote", "version": SECOND}
    plan = moving.judge(asked)
    moving.export(plan)
    moving.start(plan)
    moving.route(plan)
    half = plan.model_copy(update={"changes": plan.changes[:1]})
    moving.record(half, "job", asked)
    moving.undo(plan, "job", asked, pytest.fail)
    assert states(moving) == before
    assert lives(moving).champion() == CHAMPION
    assert [record.job for record in lives(moving).find(SECOND).records if record.job == "job"] == []
    assert served(moving) == (CHAMPION, None, None)


def test_steps_that_are_repeated_change_nothing_more(do: Do, moving: Moving) -> None:
    del do
    asked = {"action": "promote", "version": SECOND}
    plan = moving.judge(asked)
    for _ in range(2):
        moving.export(plan)
        moving.start(plan)
        moving.ask(plan)
        moving.route(plan)
        moving.record(plan, "job", asked)
        revision = moving.stop(plan)
    assert moving.stop(plan) == revision
    assert len([one for one in lives(moving).find(SECOND).records if one.job == "job"]) == 1


def test_runner_that_was_started_anew_with_the_old_champion_is_put_right_before_it_loses_its_server(
    do: Do, moving: Moving
) -> None:
    del do
    asked = {"action": "promote", "version": SECOND}
    plan = moving.judge(asked)
    moving.export(plan)
    moving.route(plan)
    moving.record(plan, "job", asked)
    moving.undo(plan.model_copy(update={"changes": ()}), "job", asked, pytest.fail)  # as a new start has it
    assert served(moving) == (CHAMPION, None, None)
    moving.stop(plan)
    assert served(moving) == (SECOND, None, None)
    assert [one.version for one in moving.serving.desired().servers] == [SECOND]


def test_registry_that_is_away_is_told(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match="does not answer"):
        replace(moving, tracking_uri="http://127.0.0.1:9").judge({"action": "promote", "version": SECOND})


def test_state_tag_that_is_none_is_told(moving: Moving) -> None:
    connect(moving.tracking_uri).set_model_version_tag("housing-price", SECOND, "state", "resting")
    with pytest.raises(RegistryError, match="resting"):
        states(moving)


def test_alias_that_was_moved_by_hand_counts_more_than_a_tag(moving: Moving) -> None:
    connect(moving.tracking_uri).set_registered_model_alias("housing-price", "champion", THIRD)
    assert states(moving) | {CHAMPION: "archived", THIRD: "champion"} == states(moving)
