"""Random sequences of training, moves, crashes and starts, on a real registry: the version that serves is shown."""

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import Observed, Roles, SeenServer, Server
from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.plan import Plan
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.registry.life_records import Life, LifeRecords
from housing_price_model.registry.names import CHAMPION, NAME
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import connect, register, register_challenger

# MLflow's own code uses what SQLAlchemy deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

STEPS = ("route", "record", "stop")
NUMBERS = st.integers(0, 5)
ACTIONS = st.sampled_from(["promote", "promote", "canary", "shadow", "abort", "rollback", "rollback", "archive"])


class LifeMachine(RuleBasedStateMachine):
    """Does to a registry and a serving folder what users, workers and the runner do, and remembers who served."""

    database: Path
    """An empty registry, to copy."""

    @initialize()
    def new_registry(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="life-"))
        shutil.copyfile(self.database, self.folder / "mlflow.db")
        self.steps = MoveSteps(ServingFolder(self.folder), f"sqlite:///{self.folder / 'mlflow.db'}", 0.0, 0.0)
        self.steps.serving.prepare()
        self.lives = LifeRecords(connect(self.steps.tracking_uri))
        self.served = list[str]()
        self.before: dict[str, str | None] = {}
        self.jobs = self.made = 0
        self.running: str | None = None

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "folder", Path("/nonexistent")), ignore_errors=True)

    @property
    def now_serving(self) -> str | None:
        return self.served[-1] if self.served else None

    def starts_to_serve(self, version: str) -> None:
        self.running = version
        if version != self.now_serving:
            self.before[version] = self.now_serving
            self.served.append(version)

    def model(self) -> tuple[str, str, str]:
        """A new model: its URI, run and id."""
        self.made += 1
        folder = self.folder / f"model-{self.made}"
        folder.mkdir()
        (folder / "content").write_text(str(self.made))
        return folder.as_uri(), f"{self.made:032x}", f"m{self.made}"

    @precondition(lambda self: self.made < 5)
    @rule(rmsle=st.sampled_from([0.11, 0.12, 0.13]))
    def train(self, rmsle: float) -> None:
        champion = self.lives.champion()
        found, is_champion = register(connect(self.steps.tracking_uri), *self.model(), rmsle=rmsle)
        if champion is None:
            assert is_champion
        elif self.served:
            assert not is_champion
        assert self.lives.find(found.version).state is (State.CHAMPION if is_champion else State.REGISTERED)

    @precondition(lambda self: self.made < 5)
    @rule()
    def candidate(self) -> None:
        found = register_challenger(connect(self.steps.tracking_uri), *self.model(), rmsle=0.2)
        assert self.lives.find(found.version).state is State.CHALLENGER

    @precondition(lambda self: self.made)
    @rule(number=NUMBERS)
    def move_the_alias_by_hand(self, number: int) -> None:
        connect(self.steps.tracking_uri).set_registered_model_alias(NAME, CHAMPION, str(number % self.made + 1))

    @rule(keeps_trials=st.booleans(), notes=st.booleans())
    def start_a_stack(self, *, keeps_trials: bool, notes: bool) -> None:
        """As `up` does: serve the version with the alias; the worker may not get to start."""
        champion = self.lives.champion_alias()
        if champion is None:
            return
        serving, roles = self.steps.serving, self.steps.serving.desired().roles
        new = Roles(champion=champion).model_copy(
            update={"canary": roles.canary, "shadow": roles.shadow} if keeps_trials else {}
        )
        new = new.without(champion)
        serving.write_desired(tuple(self.server(version) for version in new.versions()), new)
        self.run_servers()
        serving.write_routes(new)
        self.running = champion
        if notes:
            self.starts_to_serve(champion)
            self.steps.note_serving()
            self.steps.note_serving()
            assert self.lives.serving() == champion

    @precondition(lambda self: self.running)
    @rule(action=ACTIONS, number=NUMBERS, stops_after=st.integers(0, 6), is_cancelled=st.booleans())
    def move(self, action: str, number: int, stops_after: int, *, is_cancelled: bool) -> None:
        """Make a move whose worker may die after each step; it then resumes, or the job is cancelled and undone."""
        # One number more than there are versions.
        version = str(number % (self.made + 1) + 1)
        asked = {"action": action, "version": version} | ({"weight": 0.5} if action == "canary" else {})
        self.jobs += 1
        job = f"job-{self.jobs}"
        assert self.running
        self.starts_to_serve(self.running)
        try:
            plan = self.steps.judge(asked)
        except MoveError:
            self.check_refusal(action, version)
            return
        before, history = self.states(), (list(self.served), dict(self.before))
        for done, step in enumerate(STEPS):
            self.perform(step, plan, job, asked)
            if done == stops_after:
                if is_cancelled and step not in {"stop", "record"}:
                    self.perform("undo", plan, job, asked)
                    assert self.states() == before
                    self.served, self.before = history
                    self.running = self.now_serving
                    return
                self.perform(step, plan, job, asked)
        self.check_done(action, version, plan, before)

    def perform(self, step: str, plan: Plan, job: str, asked: dict[str, str | float]) -> None:
        serving = self.steps.serving
        if plan.serve is not None and step == "route":
            server = self.server(plan.serve)
            others = tuple(one for one in serving.desired().servers if one.version != plan.serve)
            serving.write_desired((*others, server), serving.desired().roles)
        self.run_servers()
        match step:
            case "route":
                self.steps.route(plan)
            case "record":
                self.steps.record(plan, job, asked)
            case "stop":
                self.steps.stop(plan)
            case "undo":
                self.steps.undo(plan, job, asked, pytest.fail)

    def check_refusal(self, action: str, version: str) -> None:
        if action == "rollback" and version == self.now_serving:
            assert self.before[version] is None
        if action == "promote" and self.exists(version):
            assert self.life(version).state in {State.CHAMPION, State.ARCHIVED}

    def check_done(self, action: str, version: str, plan: Plan, before: dict[str, State]) -> None:
        if action == "promote":
            assert plan.previous in {None, self.now_serving}
            assert self.life(version).state is State.CHAMPION
            self.starts_to_serve(version)
        elif action == "rollback" and before[version] is State.CHAMPION:
            back = self.before[version]
            assert plan.previous == back
            assert back is not None
            assert back in self.served
            assert self.lives.champion() == back
            self.served.append(back)
            self.running = back
        elif action in {"canary", "shadow"}:
            assert self.life(version).state == action
        elif action == "abort":
            assert self.life(version).state not in {State.CANARY, State.SHADOW}

    @invariant()
    def shown_state_is_what_serves(self) -> None:
        if not hasattr(self, "lives"):
            return
        states, serving = self.states(), self.lives.serving()
        roles = self.steps.serving.desired().roles
        if serving is not None:
            assert states[serving] is State.CHAMPION
            assert serving in self.served
        if serving is not None and serving == self.now_serving:
            assert roles.champion == serving
            predecessor = self.lives.previous_champion(serving)
            assert predecessor is None or predecessor in self.served
        assert [*states.values()].count(State.CHAMPION) <= 1
        assert [*states.values()].count(State.CANARY) <= 1
        assert [*states.values()].count(State.SHADOW) <= 1

    def states(self) -> dict[str, State]:
        return {life.version: life.state for life in self.lives.all()}

    def exists(self, version: str) -> bool:
        return int(version) <= self.made

    def life(self, version: str) -> Life:
        return self.lives.find(version)

    def server(self, version: str) -> Server:
        life = self.life(version)
        assert life.model_id
        assert life.digest
        return Server(version=version, model_id=life.model_id, digest=life.digest, folder=f"versions/{version}")

    def run_servers(self) -> None:
        """Report every desired server as ready, as the runner does."""
        desired = self.steps.serving.desired()
        seen = tuple(
            SeenServer(version=one.version, address=f"http://127.0.0.1:{9000 + int(one.version)}", state="ready")
            for one in desired.servers
        )
        self.steps.serving.write_observed(Observed(revision=desired.revision, servers=seen))


@pytest.mark.full
def test_registry_shows_what_serves_after_any_sequence_of_moves(empty_store: str) -> None:
    LifeMachine.database = Path(empty_store.removeprefix("sqlite:///"))
    run_state_machine_as_test(
        LifeMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=[Phase.generate],  # shrinking a failure takes many minutes
        ),
    )
