"""The states of a version, and what leads from one to another. What does not stand in the table cannot happen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from housing_price_model.errors import MoveError


class State(StrEnum):
    """Where a version is in its life; at most one is `champion`, one `canary` and one `shadow`."""

    REGISTERED = "registered"
    """It is in the registry, and nobody has said more about it."""
    CHALLENGER = "challenger"
    """It passed its gate, and is to show what it can."""
    SHADOW = "shadow"
    """It prices a copy of the traffic, and answers nobody."""
    CANARY = "canary"
    """It answers a part of the callers."""
    CHAMPION = "champion"
    """It answers all others."""
    ARCHIVED = "archived"
    """It is kept, and out of service."""


class Cause(StrEnum):
    """Why a version goes on to another state."""

    GATE = "gate"
    """It passed its gate."""
    PROMOTE = "promote"
    CANARY = "canary"
    SHADOW = "shadow"
    ABORT = "abort"
    ARCHIVE = "archive"
    REPLACED = "replaced"
    """Another became champion."""
    RESTORED = "restored"
    """It was the champion before the one that is taken out of service."""


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
    """Give the state that a version comes to.

    Raises:
        MoveError: `transition-illegal`: nothing of the kind leads out of this state.
    """
    try:
        return NEXT[state][cause]
    except KeyError:
        possible = ", ".join(NEXT[state])
        message = f"version {version} is {state}, from which `{cause}` leads nowhere; possible: {possible}"
        raise MoveError("transition-illegal", message) from None
