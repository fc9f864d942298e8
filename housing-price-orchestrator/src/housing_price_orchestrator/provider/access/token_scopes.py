"""The scopes that a token grants, from the claims that its identity provider uses for them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from housing_price_orchestrator.shared.access import SCOPES


class ClaimUnusable(ValueError):
    """A claim with scopes is neither text nor a list of texts."""


@dataclass(frozen=True, slots=True)
class TokenScopes:
    """Finds the scopes of this service in the claims of a token."""

    claims: Sequence[str] = ("scope", "scp")
    """Names of the claims, all of which count. The value is a text, whose scopes are separated by spaces (RFC 8693,
    section 4.2), or a list of texts. A name with dots also finds a claim inside others."""
    mapping: Sequence[tuple[str, str]] = ()
    """Pairs of a value in a claim and the scope that it grants. Without pairs, a value is the scope's name."""

    def granted_by(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Return the scopes that the claims of a token grant.

        Raises:
            ClaimUnusable: a claim has another type.
        """
        values = frozenset(value for name in self.claims for value in _values_of(_find(claims, name)))
        if self.mapping:
            return frozenset(scope for value, scope in self.mapping if value in values)
        return values.intersection(SCOPES)


def _find(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; None if there is none. Without a claim of this name, `realm_access.roles` is a path."""
    if name in claims:
        return claims[name]
    head, _, rest = name.partition(".")
    inner = claims.get(head)
    return _find(inner, rest) if rest and isinstance(inner, dict) else None


def _values_of(claim: Any) -> Iterator[str]:
    if isinstance(claim, str):
        yield from claim.split(" ")
    elif isinstance(claim, list) and all(isinstance(value, str) for value in claim):
        yield from claim
    elif claim is not None:
        raise ClaimUnusable
