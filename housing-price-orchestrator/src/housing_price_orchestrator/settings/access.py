"""Who may call the service and how often: API keys, tokens and rate limits."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, HttpUrl, RedisDsn, field_validator, model_validator
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Group, is_loopback, variable_name
from housing_price_orchestrator.shared.quota import Rate


class AuthSettings(Group):
    """Who may ask.

    | `REQUIRED` | a way to know callers (a file of keys, tokens) | callers | may listen |
    |---|---|---|---|
    | not set | no | are not asked who they are | on loopback only |
    | not set, `true` | yes | need a key | anywhere |
    | `false` | no | are not asked who they are | anywhere |
    | `true` | no | refused at the start | |
    | `false` | yes | refused at the start | |
    """

    required: bool | None = None
    """`false` allows listening beyond loopback without any check of who asks: something in front must do it."""
    keys_file: Path | None = None
    """The file of API keys (`housing-price-orchestrator keys`); where it is set, callers need one."""


class JwtSettings(Group):
    """Tokens of an identity provider (OAuth 2) instead of keys, or beside them: all three are set, or none."""

    jwks_url: HttpUrl | None = None
    """Where the provider publishes its public keys; `https`, or on loopback."""
    issuer: Annotated[str, Field(min_length=1)] | None = None
    """What tokens must say in `iss`."""
    audience: Annotated[str, Field(min_length=1)] | None = None
    """What tokens must say in `aud`: what this service is called there."""

    @field_validator("jwks_url")
    @classmethod
    def _nobody_on_the_way_can_change_the_keys(cls, url: HttpUrl | None) -> HttpUrl | None:
        if url is not None and url.scheme != "https" and not is_loopback((url.host or "").strip("[]")):
            raise ValueError("whoever is on the way to it could change the keys: use https, or an address on loopback")
        return url

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        missing = [name for name in type(self).model_fields if getattr(self, name) is None]
        if missing and len(missing) < len(type(self).model_fields):
            names = ", ".join(variable_name(("jwt", name)) for name in missing)
            raise ValueError(f"tokens cannot be checked without {names}")
        return self


def _rate(value: object) -> object:
    return Rate.parse(value) if isinstance(value, str) else value


class RateLimitSettings(Group):
    """How often callers may ask; nothing is counted unless it is set."""

    requests: Annotated[Rate | None, NoDecode, BeforeValidator(_rate)] = None
    """So many requests are granted to each key, or to each address where nobody is asked for one: `100/second`."""
    requests_per_address: Annotated[Rate | None, NoDecode, BeforeValidator(_rate)] = None
    """So many are granted to each address besides, whatever its keys, and counted before a key is looked at."""
    storage_url: RedisDsn | None = None
    """A Redis in which all processes and replicas count together; without it each process counts for itself."""

    @model_validator(mode="after")
    def _there_is_something_to_count(self) -> Self:
        if self.storage_url is not None and self.requests is None and self.requests_per_address is None:
            names = [variable_name(("rate_limit", name)) for name in type(self).model_fields]
            raise ValueError(f"nothing is counted at {names[2]}: set {names[0]} or {names[1]}")
        return self
