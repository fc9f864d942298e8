"""Authentication and rate limits: API keys, JWTs and requests per caller."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, HttpUrl, RedisDsn, field_validator, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, is_loopback, split_at_commas, split_list, variable_name
from housing_price_orchestrator.shared.access import SCOPES
from housing_price_orchestrator.shared.quota import Rate

type ClaimName = Annotated[str, Field(min_length=1, max_length=200)]


class AuthSettings(Group):
    """Authentication.

    | `REQUIRED` | API keys or JWTs configured | authentication | may listen on |
    |---|---|---|---|
    | not set | no | off | loopback only |
    | not set, `true` | yes | required | any address |
    | `false` | no | off | any address |
    | `if-configured` | no | off | any address |
    | `if-configured` | yes | required | any address |
    | `true` | no | startup fails | |
    | `false` | yes | startup fails | |
    """

    required: bool | Literal["if-configured"] | None = None
    """`true` requires authentication; `false` turns it off, even beyond loopback; `if-configured`: with keys only."""
    keys_file: Path | None = None
    """File of API keys, made by `housing-price-orchestrator keys`. Setting it makes authentication required."""


def _split_pairs(value: object) -> object:
    """Split `VALUE=SCOPE,...`; a value may contain `=`."""
    if not isinstance(value, str) or value == "":
        return split_list(value)
    pairs = [tuple(part.strip() for part in pair.rpartition("=")[::2]) for pair in value.split(",")]
    if not all(claimed and scope in SCOPES for claimed, scope in pairs):
        raise ValueError(f"must be VALUE=SCOPE, comma-separated, where SCOPE is {', '.join(SCOPES)}")
    return tuple(pairs)


class JwtSettings(Group):
    """JWTs of an OAuth 2 identity provider, instead of API keys or beside them. Set the first three, or none."""

    jwks_url: HttpUrl | None = None
    """URL of the identity provider's JWKS (public keys); `https`, or a loopback address."""
    issuer: Annotated[str, Field(min_length=1)] | None = None
    """Required value of the `iss` claim."""
    audience: Annotated[str, Field(min_length=1)] | None = None
    """Required value of the `aud` claim: this service's name at the identity provider."""
    scope_claims: Annotated[tuple[ClaimName, ...], NoDecode, BeforeValidator(split_at_commas), Field(min_length=1)] = (
        "scope",
        "scp",
    )
    """Claims with scopes, comma-separated, such as `roles` or `realm_access.roles`; text or lists of texts."""
    scope_mapping: Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_split_pairs)] = ()
    """Claim values that grant a scope, such as `Prices.Read=predict,Owners=admin`; empty: the scope's own name."""

    @field_validator("jwks_url")
    @classmethod
    def _require_secure_url(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url is not None and url.scheme != "https" and not is_loopback((url.host or "").strip("[]")):
            raise ValueError("plain http would let an attacker replace the keys: use https, or a loopback address")
        return url

    @model_validator(mode="after")
    def _require_all_or_none(self) -> Self:
        missing = [name for name in ("jwks_url", "issuer", "audience") if getattr(self, name) is None]
        if missing and self.model_fields_set:
            names = ", ".join(variable_name(("jwt", name)) for name in missing)
            raise ValueError(f"checking tokens also needs {names}")
        return self


def _parse_rate(value: object) -> object:
    return Rate.parse(value) if isinstance(value, str) else value


class RateLimitSettings(Group):
    """Rate limits; off unless a rate is set."""

    requests: Annotated[Rate | None, NoDecode, BeforeValidator(_parse_rate)] = None
    """Rate limit per API key or token, such as `100/second`; per client address if authentication is off."""
    requests_per_address: Annotated[Rate | None, NoDecode, BeforeValidator(_parse_rate)] = None
    """Additional rate limit per client address, counted before authentication."""
    storage_url: RedisDsn | None = None
    """Redis in which all workers and replicas share their counts; without it each worker counts separately."""

    @model_validator(mode="after")
    def _require_a_rate(self) -> Self:
        if self.storage_url is not None and self.requests is None and self.requests_per_address is None:
            names = [variable_name(("rate_limit", name)) for name in type(self).model_fields]
            raise ValueError(f"{names[2]} has no effect without a rate: set {names[0]} or {names[1]}")
        return self
