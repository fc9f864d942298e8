"""Callers, their scopes and how they are authenticated."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

type Scope = Literal["predict", "jobs", "admin"]
"""The permission of a caller: price houses, run jobs, or administer the service. No scope includes another."""

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope.__value__)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller."""

    id: str
    """The caller's id in the log; not a secret."""
    scopes: frozenset[str]


class Authenticator(Protocol):
    """Authenticates callers by one kind of credential."""

    async def caller_of(self, credential: str, /) -> Caller | None:
        """Return the caller that `credential`, any ASCII text, belongs to.

        Returns None if it is of another kind, unknown, revoked, expired or not trusted. Never blocks the event loop on
        I/O.

        Raises:
            IdentityProviderUnavailable: the credential cannot be checked now.
        """
        ...
