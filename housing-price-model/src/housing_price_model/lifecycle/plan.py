"""Plans a move: checks that it is allowed and works out its effects. Changes nothing."""

from typing import Final

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import CanaryRole, Desired, Roles, ShadowRole, StateDocument
from housing_price_model.registry.life_records import Life, LifeRecords
from housing_price_model.registry.records import Record
from housing_price_model.registry.states import Cause, State, next_state
from housing_price_platform.orders.moves import Action, CanaryLimits, Move, ServedModel

_ROLE_STATES: Final = frozenset({State.CANARY, State.SHADOW})


class Change(StateDocument):
    """A version's change of state; `other` is the version that replaces it, or that it replaces."""

    version: str
    source: str
    target: str
    other: str | None = None

    def record(self, job: str, at: str, move: Move) -> Record:
        """Return the record of the change for the registry."""
        source, target = State(self.source), State(self.target)
        return Record(job, at, move.by, move.reason, move.action.value, source, target, self.other)


class Plan(StateDocument):
    """The effects of a move. Stored once, so that a worker that resumes the move follows the same plan."""

    model: ServedModel = ServedModel.PRICE
    """The model whose versions change."""
    version: str
    """The version that the move is about."""
    state: str
    """Its state after the move."""
    previous: str | None = None
    """The other version that changes state: the replaced champion, or the champion that is restored."""
    serve: str | None = None
    """The version that needs a model server, or None; `model_id` and `digest` describe it."""
    model_id: str = ""
    digest: str = ""
    changes: tuple[Change, ...] = ()
    """The change of state of each version."""
    before: Roles
    """The roles before the move."""
    after: Roles
    """The roles after the move."""
    at: str
    """Time of planning, in UTC (ISO 8601)."""


def judge(move: Move, lives: LifeRecords, desired: Desired, at: str) -> Plan:
    """Plan a move.

    The registry must know which version serves: see `LifeRecords.note_serving`.

    Raises:
        MoveError: `version-unknown`, `transition-illegal`, or `model-refused` if the version was registered without a
            model id or a digest.
    """
    return _judge(move, lives, desired, at).model_copy(update={"model": move.model})


def _judge(move: Move, lives: LifeRecords, desired: Desired, at: str) -> Plan:
    life, champion = lives.find(move.version), lives.champion()
    match move.action:
        case Action.PROMOTE:
            return _with_server(life, _promotion(life, champion, desired, at))
        case Action.CANARY | Action.SHADOW:
            return _with_server(life, _trial(move, life, lives, desired, at))
        case Action.ROLLBACK if life.state is State.CHAMPION:
            back = _previous_champion(life, lives)
            return _with_server(back, _rollback(life, back, desired, at))
        case Action.ROLLBACK | Action.ABORT:
            return _abort(move.action, life, desired, at)
        case Action.ARCHIVE:
            state = next_state(life.version, life.state, Cause.ARCHIVE)
            return _plan(life, state, desired.roles, desired, at, _change(life, state))


def _promotion(life: Life, champion: str | None, desired: Desired, at: str) -> Plan:
    after = desired.roles.without(life.version).model_copy(update={"champion": life.version})
    if life.state is State.CHAMPION and desired.roles.champion != life.version:
        # The registry's champion is not served by this serving folder yet: serve it.
        return _plan(life, State.CHAMPION, after, desired, at, _change(life, State.CHAMPION))
    state = next_state(life.version, life.state, Cause.PROMOTE)
    changes = [_change(life, state, champion)]
    if champion is not None:
        changes.append(_replaced(champion, life.version))
    return _plan(life, state, after, desired, at, *changes, previous=champion)


def _trial(move: Move, life: Life, lives: LifeRecords, desired: Desired, at: str) -> Plan:
    wanted, cause = (State.CANARY, Cause.CANARY) if move.action is Action.CANARY else (State.SHADOW, Cause.SHADOW)
    if desired.roles.champion is None:
        raise MoveError(
            "transition-illegal", f"No champion is in service. Promote version {life.version} or another version first."
        )
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
            "transition-illegal", f"Version {holder} is already the {wanted}, and only one is allowed. Abort it first."
        )
    return _plan(life, state, after, desired, at, _change(life, state))


def _rollback(life: Life, back: Life, desired: Desired, at: str) -> Plan:
    gone, restored = (
        next_state(life.version, life.state, Cause.REPLACED),
        next_state(back.version, back.state, Cause.RESTORED),
    )
    after = desired.roles.without(back.version).model_copy(update={"champion": back.version})
    changes = (_change(back, restored, life.version), _change(life, gone, back.version))
    return _plan(life, gone, after, desired, at, *changes, previous=back.version)


def _previous_champion(life: Life, lives: LifeRecords) -> Life:
    before = lives.previous_champion(life.version)
    if before is None:
        raise MoveError(
            "transition-illegal",
            f"Version {life.version} is the first champion that served: there is no earlier one to restore.",
        )
    try:
        return lives.find(before)
    except MoveError as error:
        raise MoveError(
            error.code, f"Version {before}, which served before version {life.version}, is no longer in the registry."
        ) from error


def _abort(action: Action, life: Life, desired: Desired, at: str) -> Plan:
    if life.state not in _ROLE_STATES and action is Action.ABORT:
        return _plan(life, life.state, desired.roles, desired, at)  # `abort` is idempotent
    if life.state not in _ROLE_STATES:
        raise MoveError("transition-illegal", f"Version {life.version} is {life.state}, not in service.")
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


def _with_server(life: Life, plan: Plan) -> Plan:
    """Add the model server of this version to a plan."""
    if life.model_id is None or life.digest is None:
        raise MoveError(
            "model-refused", f"Version {life.version} was registered without a digest, so its files cannot be verified."
        )
    return plan.model_copy(update={"serve": life.version, "model_id": life.model_id, "digest": life.digest})
