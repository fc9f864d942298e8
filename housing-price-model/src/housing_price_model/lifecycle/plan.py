"""Judges a move: whether it may be made, and what it comes to. Nothing is changed here."""

from typing import Final

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import CanaryLimits, CanaryRole, Desired, Document, Roles, ShadowRole
from housing_price_model.lifecycle.move_request import Action, Move
from housing_price_model.registry.life_records import Life, Lives, Record
from housing_price_model.registry.states import Cause, State, next_state

_ROLE_STATES: Final = frozenset({State.CANARY, State.SHADOW})


class Change(Document):
    """A version that goes on to another state."""

    version: str
    source: str
    target: str
    other: str | None = None

    def record(self, job: str, at: str, move: Move) -> Record:
        """Write it as the record that the registry keeps."""
        source, target = State(self.source), State(self.target)
        return Record(job, at, move.by, move.reason, move.action.value, source, target, self.other)


class Plan(Document):
    """What a move comes to; fixed once, so that a worker that goes on with it means the same.

    Attributes:
        version: What was asked about.
        state: The state that it will be in.
        previous: The other version that changes its state: the champion before, or the one that comes back.
        serve: The version that needs a model server, or None; `model_id` and `digest` are its own.
        changes: Who goes on to which state.
        before: Who does what now.
        after: Who will do what.
        at: When it was judged, in UTC (ISO 8601).
    """

    version: str
    state: str
    previous: str | None = None
    serve: str | None = None
    model_id: str = ""
    digest: str = ""
    changes: tuple[Change, ...] = ()
    before: Roles
    after: Roles
    at: str


def judge(move: Move, lives: Lives, desired: Desired, at: str) -> Plan:
    """Say what a move comes to.

    Raises:
        MoveError: `version-unknown`, `transition-illegal` or `model-refused`: the version was registered without what
            it needs to be served.
    """
    life, champion = lives.find(move.version), lives.champion()
    match move.action:
        case Action.PROMOTE:
            return _served(life, _promotion(life, champion, desired, at))
        case Action.CANARY | Action.SHADOW:
            return _served(life, _trial(move, life, lives, desired, at))
        case Action.ROLLBACK if life.state is State.CHAMPION:
            back = _before(life, lives)
            return _served(back, _return(life, back, desired, at))
        case Action.ROLLBACK | Action.ABORT:
            return _abort(move.action, life, desired, at)
        case Action.ARCHIVE:
            state = next_state(life.version, life.state, Cause.ARCHIVE)
            return _plan(life, state, desired.roles, desired, at, _change(life, state))


def _promotion(life: Life, champion: str | None, desired: Desired, at: str) -> Plan:
    after = desired.roles.without(life.version).model_copy(update={"champion": life.version})
    if life.state is State.CHAMPION and desired.roles.champion != life.version:
        # It became champion without us, as a first or better model does when it is trained: now it is served, too.
        return _plan(life, State.CHAMPION, after, desired, at)
    state = next_state(life.version, life.state, Cause.PROMOTE)
    changes = [_change(life, state, champion)]
    if champion is not None:
        changes.append(_replaced(champion, life.version))
    return _plan(life, state, after, desired, at, *changes, previous=champion)


def _trial(move: Move, life: Life, lives: Lives, desired: Desired, at: str) -> Plan:
    wanted, cause = (State.CANARY, Cause.CANARY) if move.action is Action.CANARY else (State.SHADOW, Cause.SHADOW)
    if desired.roles.champion is None:
        raise MoveError("transition-illegal", f"no champion is served: version {life.version} can only be promoted")
    roles = desired.roles.without(life.version)
    if move.weight is not None:
        canary = CanaryRole(version=life.version, weight=move.weight, limits=move.limits or CanaryLimits())
        after = roles.model_copy(update={"canary": canary})
    else:
        shadow = ShadowRole(version=life.version, sample=1.0 if move.sample is None else move.sample)
        after = roles.model_copy(update={"shadow": shadow})
    if life.state is wanted:
        return _plan(life, wanted, after, desired, at)  # another weight or sample
    state = next_state(life.version, life.state, cause)
    if (holder := lives.holder(wanted)) is not None:
        raise MoveError(
            "transition-illegal", f"version {holder} is the {wanted}, and there is one only: abort it first"
        )
    return _plan(life, state, after, desired, at, _change(life, state))


def _return(life: Life, back: Life, desired: Desired, at: str) -> Plan:
    gone, restored = (
        next_state(life.version, life.state, Cause.REPLACED),
        next_state(back.version, back.state, Cause.RESTORED),
    )
    after = desired.roles.without(back.version).model_copy(update={"champion": back.version})
    changes = (_change(back, restored, life.version), _change(life, gone, back.version))
    return _plan(life, gone, after, desired, at, *changes, previous=back.version)


def _before(life: Life, lives: Lives) -> Life:
    before = lives.before(life.version)
    if before is None:
        raise MoveError(
            "transition-illegal", f"version {life.version} is the first champion: there is none to go back to"
        )
    return lives.find(before)


def _abort(action: Action, life: Life, desired: Desired, at: str) -> Plan:
    if life.state not in _ROLE_STATES and action is Action.ABORT:
        return _plan(life, life.state, desired.roles, desired, at)  # there is nothing to do
    if life.state not in _ROLE_STATES:
        raise MoveError("transition-illegal", f"version {life.version} is {life.state}, and not in service")
    state = next_state(life.version, life.state, Cause.ABORT)
    return _plan(life, state, desired.roles.without(life.version), desired, at, _change(life, state))


def _change(life: Life, target: State, other: str | None = None) -> Change:
    return Change(version=life.version, source=life.state.value, target=target.value, other=other)


def _replaced(champion: str, other: str) -> Change:
    target = next_state(champion, State.CHAMPION, Cause.REPLACED)
    return Change(version=champion, source=State.CHAMPION.value, target=target.value, other=other)


def _plan(
    life: Life, state: State, after: Roles, desired: Desired, at: str, *changes: Change, previous: str | None = None
) -> Plan:
    return Plan(
        version=life.version,
        state=state.value,
        previous=previous,
        changes=changes,
        before=desired.roles,
        after=after,
        at=at,
    )


def _served(life: Life, plan: Plan) -> Plan:
    """Let the plan serve this version."""
    if life.model_id is None or life.digest is None:
        raise MoveError(
            "model-refused", f"version {life.version} was registered without a digest, so it cannot be checked"
        )
    return plan.model_copy(update={"serve": life.version, "model_id": life.model_id, "digest": life.digest})
