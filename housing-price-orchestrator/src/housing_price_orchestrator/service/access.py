"""Access control: authentication by credential, authorisation by scope, and rate limits."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from housing_price_orchestrator.shared.access import Authenticator, Caller, Scope
from housing_price_orchestrator.shared.errors import (
    CredentialsInvalid,
    CredentialsMissing,
    RateLimitExceeded,
    ScopeMissing,
)
from housing_price_orchestrator.shared.quota import Quota, RateLimiter

_IPV6_NETWORK_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Admission:
    """An admitted request."""

    caller: Caller | None
    """The authenticated caller; None if authentication is disabled."""
    quotas: Mapping[str, Quota]
    """State of each rate limit that the request counts against, by name."""


class Access:
    """Checks credentials, scopes and rate limits."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        per_caller: RateLimiter | None = None,
        per_address: RateLimiter | None = None,
    ) -> None:
        """Set the checks.

        Args:
            authenticators: tried in turn; without any, authentication is disabled.
            per_caller: rate limit by caller, or by address if authentication is disabled.
            per_address: rate limit by address, checked before the credential so that guessing is limited too.
        """
        self._authenticators = authenticators
        self._per_caller = per_caller
        self._per_address = per_address

    @property
    def is_open(self) -> bool:
        """Whether authentication is disabled."""
        return not self._authenticators

    async def admit(self, credential: str | None, scopes: Sequence[Scope], address: str) -> Admission:
        """Admit a request from `address` to an operation that requires one of `scopes`.

        Raises:
            CredentialsMissing: a credential is required and absent.
            CredentialsInvalid: no authenticator accepts the credential.
            ScopeMissing: the caller has none of the scopes.
            IdentityProviderUnavailable: the credential cannot be checked now.
            RateLimitExceeded: the caller or the address sent too many requests.
        """
        quotas: dict[str, Quota] = {}
        if self._per_address is not None:
            quotas["address"] = await self._per_address.hit(network_of(address))
            _check(quotas)
        caller = await self._authenticate(credential, scopes) if self._authenticators else None
        if self._per_caller is not None:
            quotas["caller"] = await self._per_caller.hit(network_of(address) if caller is None else caller.id)
            _check(quotas)
        return Admission(caller, quotas)

    async def _authenticate(self, credential: str | None, scopes: Sequence[Scope]) -> Caller:
        if credential is None:
            raise CredentialsMissing
        for authenticator in self._authenticators:
            caller = await authenticator.caller_of(credential)
            if caller is None:
                continue
            if caller.scopes.isdisjoint(scopes):
                raise ScopeMissing(caller.id, scopes[0])
            return caller
        raise CredentialsInvalid


def _check(quotas: Mapping[str, Quota]) -> None:
    if not all(quota.is_granted for quota in quotas.values()):
        raise RateLimitExceeded(quotas)


def network_of(address: str) -> str:
    """Return the rate-limit key of an address: for IPv6 its /64 network, because one customer owns all of it."""
    if ":" not in address:
        return address
    try:
        full = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if full.ipv4_mapped is not None:
        return str(full.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(full) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS, _IPV6_NETWORK_BITS)))
