"""The lifecycle states of a version, and the table of allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from housing_price_model.errors import MoveError


class State(StrEnum):
    """The lifecycle state of a version; at most one version each is `champion`, `canary` and `shadow`."""

    REGISTERED = "registered"
    """In the registry, without any move yet."""
    CHALLENGER = "challenger"
    """Passed the gate; a candidate for promotion."""
    SHADOW = "shadow"
    """Prices a copy of the traffic; its answers are not returned."""
    CANARY = "canary"
    """Serves a share of the houses."""
    CHAMPION = "champion"
    """Serves all other houses."""
    ARCHIVED = "archived"
    """Kept in the registry, out of service."""


class Cause(StrEnum):
    """The cause of a transition."""

    GATE = "gate"
    """The version passed the gate."""
    PROMOTE = "promote"
    CANARY = "canary"
    SHADOW = "shadow"
    ABORT = "abort"
    ARCHIVE = "archive"
    REPLACED = "replaced"
    """Another version became champion."""
    RESTORED = "restored"
    """The current champion was rolled back to this version."""


NEXT: Final[Mapping[State, Mapping[Cause, State]]] = {
    State.REGISTERED: {
        Cause.GATE: State.CHALLENGER,
        Cause.PROMOTE: State.CHAMPION,
        Cause.ARCHIVE: State.ARCHIVED,
    },
    State.CHALLENGER: {
        Cause.SHADOW: State.SHADOW,
        Cause.CANARY: State.CANARY,
        Cause.PROMOTE: State.CHAMPION,
        Cause.ARCHIVE: State.ARCHIVED,
    },
    State.SHADOW: {
        Cause.ABORT: State.CHALLENGER,
        Cause.CANARY: State.CANARY,
        Cause.PROMOTE: State.CHAMPION,
    },
    State.CANARY: {
        Cause.ABORT: State.CHALLENGER,
        Cause.SHADOW: State.SHADOW,
        Cause.PROMOTE: State.CHAMPION,
    },
    State.CHAMPION: {
        Cause.REPLACED: State.ARCHIVED,
    },
    State.ARCHIVED: {
        Cause.GATE: State.CHALLENGER,
        Cause.RESTORED: State.CHAMPION,
    },
}


def next_state(version: str, state: State, cause: Cause) -> State:
    """Return the state after a transition.

    Raises:
        MoveError: `transition-illegal`: The transition is not allowed from this state.
    """
    try:
        return NEXT[state][cause]
    except KeyError:
        raise MoveError("transition-illegal", _illegal_transition(version, state, cause)) from None


def _illegal_transition(version: str, state: State, cause: Cause) -> str:
    if state is State.CHAMPION:
        if cause is Cause.PROMOTE:
            return f"Version {version} is already the champion."
        return f"Version {version} is champion: `{cause}` is possible only after another version is promoted."
    return (
        f"Version {version} is {state}: `{cause}` is not possible from this state. Possible: {', '.join(NEXT[state])}."
    )
