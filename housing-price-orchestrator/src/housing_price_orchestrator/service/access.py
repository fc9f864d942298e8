"""Who may do what, and how often: callers show a credential, operations take a scope, and rates have limits."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from housing_price_orchestrator.shared.access import Authenticator, Caller, Scope
from housing_price_orchestrator.shared.errors import (
    CredentialsInvalid,
    CredentialsMissing,
    RateLimitExceeded,
    ScopeMissing,
)
from housing_price_orchestrator.shared.quota import Quota, RateLimiter

_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may go on."""

    caller: Caller | None
    """Whose it is; None where nobody is asked."""
    quotas: Mapping[str, Quota]
    """What it found of the limits that it counts for, by name."""


class Access:
    """Lets callers do what their scopes and rates allow."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        per_caller: RateLimiter | None = None,
        per_address: RateLimiter | None = None,
    ) -> None:
        """Ask each of `authenticators` in turn whose a credential is; where there are none, nobody is asked for one.

        `per_caller` counts by caller, or by address where nobody is asked. `per_address` counts by address in any case,
        before the credential is looked at, so that guessing has a limit, too.
        """
        self._authenticators = authenticators
        self._per_caller = per_caller
        self._per_address = per_address

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a credential."""
        return not self._authenticators

    async def admit(self, credential: str | None, scope: Scope, address: str) -> Admission:
        """Let a request from `address` do what takes `scope`.

        Raises:
            CredentialsMissing: there is no credential, and one is needed.
            CredentialsInvalid: it is nobody's.
            ScopeMissing: its owner may not do this.
            IdentityProviderUnavailable: it cannot be told now whose it is.
            RateLimitExceeded: there have been too many requests of this caller or address.
        """
        quotas: dict[str, Quota] = {}
        if self._per_address is not None:
            quotas["address"] = await self._per_address.hit(network_of(address))
            _check(quotas)
        caller = await self._known(credential, scope) if self._authenticators else None
        if self._per_caller is not None:
            quotas["caller"] = await self._per_caller.hit(network_of(address) if caller is None else caller.id)
            _check(quotas)
        return Admission(caller, quotas)

    async def _known(self, credential: str | None, scope: Scope) -> Caller:
        if credential is None:
            raise CredentialsMissing
        for authenticator in self._authenticators:
            caller = await authenticator.caller_of(credential)
            if caller is None:
                continue
            if scope not in caller.scopes:
                raise ScopeMissing(caller.id, scope)
            return caller
        raise CredentialsInvalid


def _check(quotas: Mapping[str, Quota]) -> None:
    if not all(quota.is_granted for quota in quotas.values()):
        raise RateLimitExceeded(quotas)


def network_of(address: str) -> str:
    """Give what is counted of an address: of IPv6 the network, of which one customer has all 2^64 addresses."""
    if ":" not in address:
        return address
    try:
        full = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if full.ipv4_mapped is not None:
        return str(full.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(full) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS, _IPV6_NETWORK_BITS)))
