"""Each move, step by step, with a real registry, real exports and real model servers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.lifecycle_store import CHAMPION, DAMAGED, OTHERWISE, SECOND, THIRD, LifecycleStore

from housing_price_model.artefact.export import read_export
from housing_price_model.errors import MoveError, RegistryError
from housing_price_model.lifecycle.documents import CanaryRole, Roles, ShadowRole
from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.plan import Plan
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.life_records import LifeRecords
from housing_price_model.registry.names import COMPARABLES
from housing_price_model.registry.records import Record
from housing_price_model.registry.snapshot import RegistrySnapshot
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import connect, register
from housing_price_platform.orders.moves import ServedModel

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
    """A folder of exports that the tests share."""
    folder = tmp_path_factory.mktemp("serving") / "versions"
    folder.mkdir()
    return folder


@pytest.fixture
def move_steps(lifecycle_store: LifecycleStore, exports: Path, tmp_path: Path) -> MoveSteps:
    serving = ServingFolder(tmp_path / "serving")
    serving.folder.mkdir()
    (serving.folder / "versions").symlink_to(exports)
    return MoveSteps(serving, lifecycle_store.copied_to(tmp_path), drain_seconds=0.0, ready_within_seconds=30.0)


@pytest.fixture
def runner(move_steps: MoveSteps) -> Iterator[ServingRunner]:
    with ServingRunner(move_steps.serving) as runner:
        yield runner


@pytest.fixture
def do(move_steps: MoveSteps, runner: ServingRunner) -> Do:
    """Makes a move as the workflow does; the registry's champion is served from the start."""
    del runner

    def do(action: str, version: str, **options: Any) -> Plan:
        asked = {"action": action, "version": version, "by": "key-1", "reason": "to see"} | options
        plan = move_steps.judge(asked)
        job = f"{action}-{version}"
        if plan.serve is not None:
            for step in (move_steps.export, move_steps.start, move_steps.ask):
                step(plan)
        if plan.before != plan.after:
            move_steps.route(plan)
        move_steps.record(plan, job, asked)
        if plan.before != plan.after:
            move_steps.stop(plan)
        return plan

    do("promote", CHAMPION)
    return do


def lives(move_steps: MoveSteps) -> LifeRecords:
    return LifeRecords(connect(move_steps.tracking_uri), move_steps.name)


def states(move_steps: MoveSteps) -> dict[str, str]:
    return {life.version: life.state.value for life in lives(move_steps).all()}


def served(move_steps: MoveSteps) -> tuple[str, str | None, str | None]:
    routes = move_steps.serving.routes()
    assert routes is not None
    return (
        routes.champion.version,
        routes.canary.version if routes.canary else None,
        routes.shadow.version if routes.shadow else None,
    )


def test_states_are_known_in_a_registry_without_moves(move_steps: MoveSteps) -> None:
    assert states(move_steps) == {
        CHAMPION: "champion",
        SECOND: "challenger",
        THIRD: "challenger",
        OTHERWISE: "registered",
        DAMAGED: "registered",
    }
    (first,) = lives(move_steps).find(CHAMPION).records
    assert (first.by, first.action, first.source, first.target) == (
        "training", "train", State.REGISTERED, State.CHAMPION,
    )  # fmt: skip


def test_promote_swaps_the_champion_and_records_who_when_and_why(
    do: Do, move_steps: MoveSteps, runner: ServingRunner
) -> None:
    plan = do("promote", SECOND)
    assert (plan.state, plan.previous) == ("champion", CHAMPION)
    assert states(move_steps) | {CHAMPION: "archived", SECOND: "champion"} == states(move_steps)
    assert lives(move_steps).champion() == SECOND
    assert served(move_steps) == (SECOND, None, None)
    assert [one.version for one in move_steps.serving.desired().servers] == [SECOND]
    record = lives(move_steps).find(SECOND).records[-1]
    assert (record.by, record.reason, record.job, record.other) == ("key-1", "to see", "promote-2", CHAMPION)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", record.at)
    gone = lives(move_steps).find(CHAMPION).records[-1]
    assert (gone.source, gone.target, gone.other) == (State.CHAMPION, State.ARCHIVED, SECOND)


@pytest.mark.full
def test_rollback_brings_back_the_champion_before_and_then_the_one_before_that(do: Do, move_steps: MoveSteps) -> None:
    do("promote", SECOND)
    do("promote", THIRD)
    do("rollback", THIRD)
    assert (lives(move_steps).champion(), served(move_steps)[0]) == (SECOND, SECOND)
    do("rollback", SECOND)
    assert states(move_steps) | {CHAMPION: "champion", SECOND: "archived", THIRD: "archived"} == states(move_steps)
    with pytest.raises(MoveError, match="the first champion"):
        do("rollback", CHAMPION)


def test_canary_is_routed_reweighted_and_can_be_aborted_twice(do: Do, move_steps: MoveSteps) -> None:
    do("canary", SECOND, weight=0.1)
    assert (served(move_steps), states(move_steps)[SECOND]) == ((CHAMPION, SECOND, None), "canary")
    do("canary", SECOND, weight=0.5, limits={"leastRequests": 7})
    routes = move_steps.serving.routes()
    assert routes is not None
    assert routes.canary is not None
    assert (routes.canary.weight, routes.canary.limits.least_requests) == (0.5, 7)
    assert do("abort", SECOND).state == "challenger"
    assert (served(move_steps), states(move_steps)[SECOND]) == ((CHAMPION, None, None), "challenger")
    assert do("abort", SECOND).state == "challenger"
    assert len(lives(move_steps).find(SECOND).records) == 3


def test_shadow_becomes_canary_and_champion_on_the_same_server(do: Do, move_steps: MoveSteps) -> None:
    do("shadow", SECOND, sample=0.25)
    assert served(move_steps) == (CHAMPION, None, SECOND)
    address = move_steps.serving.observed().server(SECOND)
    do("canary", SECOND, weight=0.1)
    assert served(move_steps) == (CHAMPION, SECOND, None)
    do("promote", SECOND)
    assert served(move_steps) == (SECOND, None, None)
    assert move_steps.serving.observed().server(SECOND) == address
    assert move_steps.serving.desired().roles == Roles(champion=SECOND)


def test_second_canary_is_refused_but_a_shadow_beside_a_canary_is_allowed(do: Do, move_steps: MoveSteps) -> None:
    do("canary", SECOND, weight=0.1)
    with pytest.raises(MoveError, match="Version 2 is already the canary") as caught:
        do("canary", THIRD, weight=0.1)
    assert caught.value.code == "transition-illegal"
    do("shadow", THIRD)
    assert served(move_steps) == (CHAMPION, SECOND, THIRD)
    assert move_steps.serving.desired().roles == Roles(
        champion=CHAMPION, canary=CanaryRole(version=SECOND, weight=0.1), shadow=ShadowRole(version=THIRD)
    )
    do("rollback", SECOND)
    assert (served(move_steps), states(move_steps)[SECOND]) == ((CHAMPION, None, THIRD), "challenger")


def test_archive_is_allowed_only_for_versions_out_of_service(do: Do, move_steps: MoveSteps) -> None:
    assert do("archive", SECOND).state == "archived"
    for action, how in (("promote", {}), ("canary", {"weight": 0.1}), ("archive", {}), ("rollback", {})):
        with pytest.raises(MoveError) as caught:
            do(action, SECOND, **how)
        assert caught.value.code == "transition-illegal"
    with pytest.raises(MoveError):
        do("archive", CHAMPION)
    with pytest.raises(MoveError):
        do("canary", OTHERWISE, weight=0.1)  # it has passed no gate


def test_unknown_version_is_reported(do: Do) -> None:
    with pytest.raises(MoveError, match="no version 77") as caught:
        do("promote", "77")
    assert caught.value.code == "version-unknown"


def test_version_whose_golden_answers_differ_is_never_routed_to(do: Do, move_steps: MoveSteps) -> None:
    with pytest.raises(MoveError, match=r"does not reproduce 1 of \d+ golden answers") as caught:
        do("promote", OTHERWISE)
    assert caught.value.code == "golden-answers-differ"
    assert served(move_steps) == (CHAMPION, None, None)


def test_files_that_differ_from_the_registered_ones_are_never_served(do: Do, move_steps: MoveSteps) -> None:
    with pytest.raises(MoveError) as caught:
        do("promote", DAMAGED)
    assert caught.value.code == "model-refused"
    assert [one.version for one in move_steps.serving.desired().servers] == [CHAMPION]


def test_move_is_undone_if_the_server_does_not_start(do: Do, move_steps: MoveSteps, runner: ServingRunner) -> None:
    del do
    runner.may_start = lambda _version: False
    impatient = replace(move_steps, ready_within_seconds=0.3)
    plan = move_steps.judge({"action": "promote", "version": SECOND})
    move_steps.export(plan)
    with pytest.raises(MoveError, match="was not ready within") as caught:
        impatient.start(plan)
    assert caught.value.code == "model-server-not-ready"
    move_steps.undo(plan, "job", {"action": "promote", "version": SECOND}, pytest.fail)
    assert [one.version for one in move_steps.serving.desired().servers] == [CHAMPION]
    assert served(move_steps) == (CHAMPION, None, None)


def test_half_recorded_move_is_undone(do: Do, move_steps: MoveSteps) -> None:
    before = states(move_steps)
    asked = {"action": "promote", "version": SECOND}
    plan = move_steps.judge(asked)
    move_steps.export(plan)
    move_steps.start(plan)
    move_steps.route(plan)
    half = plan.model_copy(update={"changes": plan.changes[:1]})
    move_steps.record(half, "job", asked)
    move_steps.undo(plan, "job", asked, pytest.fail)
    assert states(move_steps) == before
    assert lives(move_steps).champion() == CHAMPION
    assert [record.job for record in lives(move_steps).find(SECOND).records if record.job == "job"] == []
    assert served(move_steps) == (CHAMPION, None, None)


def test_repeated_steps_change_nothing(do: Do, move_steps: MoveSteps) -> None:
    del do
    asked = {"action": "promote", "version": SECOND}
    plan = move_steps.judge(asked)
    for _ in range(2):
        move_steps.export(plan)
        move_steps.start(plan)
        move_steps.ask(plan)
        move_steps.route(plan)
        move_steps.record(plan, "job", asked)
        revision = move_steps.stop(plan)
    assert move_steps.stop(plan) == revision
    assert len([one for one in lives(move_steps).find(SECOND).records if one.job == "job"]) == 1


def test_routes_of_a_restarted_runner_are_corrected_before_the_old_server_stops(do: Do, move_steps: MoveSteps) -> None:
    del do
    asked = {"action": "promote", "version": SECOND}
    plan = move_steps.judge(asked)
    move_steps.export(plan)
    move_steps.route(plan)
    move_steps.record(plan, "job", asked)
    move_steps.undo(plan.model_copy(update={"changes": ()}), "job", asked, pytest.fail)  # as a new start has it
    assert served(move_steps) == (CHAMPION, None, None)
    move_steps.stop(plan)
    assert served(move_steps) == (SECOND, None, None)
    assert [one.version for one in move_steps.serving.desired().servers] == [SECOND]


def test_unavailable_registry_is_reported(move_steps: MoveSteps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match="does not respond"):
        replace(move_steps, tracking_uri="http://127.0.0.1:9").judge({"action": "promote", "version": SECOND})


def test_invalid_state_tag_is_reported(move_steps: MoveSteps) -> None:
    connect(move_steps.tracking_uri).set_model_version_tag("housing-price", SECOND, "state", "resting")
    with pytest.raises(RegistryError, match="resting"):
        states(move_steps)


def test_manually_moved_alias_takes_precedence_over_tags(move_steps: MoveSteps) -> None:
    connect(move_steps.tracking_uri).set_registered_model_alias("housing-price", "champion", THIRD)
    assert states(move_steps) | {CHAMPION: "archived", THIRD: "champion"} == states(move_steps)


def train_by_hand(move_steps: MoveSteps, rmsle: float) -> tuple[str, bool]:
    """Register the model of version 2 again, as `train` does with a model of its own."""
    client = connect(move_steps.tracking_uri)
    second = client.get_model_version("housing-price", SECOND)
    assert second.source
    assert second.run_id
    registered, is_champion = register(client, second.source, second.run_id, second.tags["model_id"], rmsle)
    return registered.version, is_champion


def test_training_makes_no_champion_once_a_stack_serves(do: Do, move_steps: MoveSteps) -> None:
    first, second = (train_by_hand(move_steps, rmsle) for rmsle in (0.12, 0.11))
    assert (first, second) == (("6", False), ("7", False))
    assert states(move_steps) | {CHAMPION: "champion", "6": "registered", "7": "registered"} == states(move_steps)
    assert do("promote", "7").previous == CHAMPION
    assert do("rollback", "7").previous == CHAMPION
    assert served(move_steps) == (CHAMPION, None, None)
    assert states(move_steps) | {CHAMPION: "champion", "6": "registered", "7": "archived"} == states(move_steps)


def test_champions_that_training_made_before_any_stack_have_not_served(move_steps: MoveSteps, do: Do) -> None:
    connect(move_steps.tracking_uri).delete_registered_model_tag(
        "housing-price", "serving"
    )  # as before the first start
    assert train_by_hand(move_steps, 0.12) == ("6", True)
    assert states(move_steps) | {CHAMPION: "registered", "6": "champion"} == states(move_steps)
    move_steps.serving.write_desired((), Roles())
    do("promote", "6")
    with pytest.raises(MoveError, match="the first champion that served"):
        do("rollback", "6")


def test_state_follows_what_serves_and_not_a_champion_that_an_earlier_release_trained(
    do: Do, move_steps: MoveSteps
) -> None:
    """Earlier releases moved the alias at training: champion 3 in the registry, while version 1 was served."""
    client = connect(move_steps.tracking_uri)
    client.delete_registered_model_tag("housing-price", "serving")
    for new, old in ((SECOND, CHAMPION), (THIRD, SECOND)):
        for version, source, target, other in (
            (new, "registered", "champion", old),
            (old, "champion", "archived", new),
        ):
            record = Record(
                f"run-{new}", f"2026-11-0{new}", "training", "", "train", State(source), State(target), other
            )
            lives(move_steps).write(version, record)
    client.set_registered_model_alias("housing-price", "champion", THIRD)
    do("promote", THIRD)
    assert states(move_steps) | {CHAMPION: "archived", THIRD: "champion"} == states(move_steps)
    do("rollback", THIRD)
    assert served(move_steps) == (CHAMPION, None, None)
    assert states(move_steps) | {CHAMPION: "champion", THIRD: "archived"} == states(move_steps)
    with pytest.raises(MoveError, match="the first champion that served"):
        do("rollback", CHAMPION)


def test_each_model_of_the_registry_has_versions_and_states_of_its_own(move_steps: MoveSteps) -> None:
    client = connect(move_steps.tracking_uri)
    before, comparables = states(move_steps), LifeRecords(client, COMPARABLES)
    model = client.get_model_version(COMPARABLES, SECOND)
    for rmsle, is_champion in ((0.01, True), (0.3, False)):
        found, became = register(client, f"{model.source}", str(model.run_id), "0" * 16, rmsle, name=COMPARABLES)
        assert (found.name, became) == (COMPARABLES, is_champion)
    comparables.note_serving("4", "2026-11-30T12:00:00.000+00:00")
    assert [(life.version, life.state.value) for life in comparables.all()] == [
        *((version, "registered") for version in ("1", "2", "3")), ("4", "champion"), ("5", "registered"),
    ]  # fmt: skip
    assert comparables.champion_alias() == "4"
    snapshot = LifeRecords(RegistrySnapshot(client, COMPARABLES).client, COMPARABLES)
    assert snapshot.all() == comparables.all()
    assert (states(move_steps), lives(move_steps).serving()) == (before, None)


def test_the_comparables_model_is_moved_through_the_same_steps_beside_the_price(do: Do, move_steps: MoveSteps) -> None:
    steps = move_steps.of(ServedModel.COMPARABLES)
    assert steps.serving.folder == move_steps.serving.folder / "comparables"
    steps.serving.prepare()
    before = states(move_steps)
    with ServingRunner(steps.serving):
        for action, version in (("promote", "1"), ("promote", "2"), ("rollback", "2")):
            order = {"model": "comparables", "action": action, "version": version}
            plan = steps.judge(order)
            assert plan.model is ServedModel.COMPARABLES
            for step in (steps.export, steps.start, steps.ask, steps.route):
                step(plan)
            steps.record(plan, f"{action}-{version}", order)
            steps.stop(plan)
        plan = steps.judge({"model": "comparables", "action": "promote", "version": "3"})
        steps.export(plan)
        with pytest.raises(MoveError, match="does not reproduce 1 of 20 golden answers"):
            steps.ask(plan)
        steps.undo(plan, "promote-3", {"model": "comparables", "action": "promote", "version": "3"}, pytest.fail)
    assert [one.version for one in steps.serving.desired().servers] == ["1"]
    assert served(steps) == ("1", None, None)
    assert states(steps) == {"1": "champion", "2": "archived", "3": "registered"}
    assert (states(move_steps), served(move_steps)) == (before, (CHAMPION, None, None))
    manifest = read_export(steps.serving.export_of("1"))
    assert (manifest.name, manifest.version) == (COMPARABLES, "1")


def test_alias_moved_by_hand_takes_effect_at_the_next_start_of_a_stack(do: Do, move_steps: MoveSteps) -> None:
    client = connect(move_steps.tracking_uri)
    client.set_registered_model_alias("housing-price", "champion", THIRD)
    assert states(move_steps) | {CHAMPION: "champion", THIRD: "challenger"} == states(move_steps)
    desired = move_steps.serving.desired()
    move_steps.serving.write_desired(desired.servers, Roles(champion=THIRD))  # the stack starts again
    move_steps.note_serving()
    assert states(move_steps) | {CHAMPION: "archived", THIRD: "champion"} == states(move_steps)
    assert do("rollback", THIRD).previous == CHAMPION


def test_predecessor_that_was_deleted_is_named(do: Do, move_steps: MoveSteps) -> None:
    do("promote", SECOND)
    connect(move_steps.tracking_uri).delete_model_version("housing-price", CHAMPION)
    with pytest.raises(MoveError, match="Version 1, which served before version 2, is no longer in the registry"):
        do("rollback", SECOND)


def test_canary_that_a_stack_could_not_restore_is_a_challenger_again(do: Do, move_steps: MoveSteps) -> None:
    do("canary", SECOND, weight=0.1)
    desired = move_steps.serving.desired()
    move_steps.serving.write_desired(desired.servers, Roles(champion=CHAMPION))
    do("canary", THIRD, weight=0.1)
    assert states(move_steps) | {SECOND: "challenger", THIRD: "canary"} == states(move_steps)
