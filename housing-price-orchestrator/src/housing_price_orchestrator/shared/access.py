"""Who asks, and what they may do."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

type Scope = Literal["predict", "jobs", "admin"]
"""What a caller may do: have houses priced, run jobs, see and change what concerns everybody. None includes another."""

SCOPES: tuple[Scope, ...] = get_args(Scope.__value__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has shown who they are."""

    id: str
    """What they are known by in the log; no secret."""
    scopes: frozenset[str]


class Authenticator(Protocol):
    """Knows callers by one kind of credential."""

    async def caller_of(self, credential: str, /) -> Caller | None:
        """Find out whose `credential` it is: any ASCII text that somebody sent.

        Returns None where it is nobody's: of another kind, unknown, revoked, expired or not to be trusted. Never blocks
        the event loop on I/O.

        Raises:
            IdentityProviderUnavailable: it cannot be told now.
        """
        ...
