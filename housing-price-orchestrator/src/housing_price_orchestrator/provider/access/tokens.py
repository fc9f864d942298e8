"""Authenticates callers by tokens (JWT, RFC 7519) of an identity provider."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt

from housing_price_orchestrator.provider.access.json_web_keys import JsonWebKeys
from housing_price_orchestrator.provider.access.token_scopes import ClaimUnusable, TokenScopes
from housing_price_orchestrator.shared.access import Caller

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric signatures only, so that no secret is shared with the provider (RFC 8725, section 3.1)."""

LEEWAY_SECONDS: Final = 10.0
"""Tolerated difference between the provider's clock and the local one."""

MAX_CACHED_TOKENS: Final = 1_000
"""Verified tokens kept in the cache; verifying one takes some hundred microseconds."""

MAX_SUBJECT_CHARACTERS: Final = 64

ISSUER_DIGITS: Final = 12
"""Hexadecimal digits that stand for the issuer in a caller id."""

_UNSAFE_CHARACTER: Final = re.compile(r"[^A-Za-z0-9._@|-]")
_CLAIMS: Final = ["exp", "iss", "aud", "sub"]
_JWT: Final = jwt.PyJWT(options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class _CachedToken:
    caller: Caller
    expires_at: float


class TokenAuthenticator:
    """Verifies signature, issuer, audience and times of tokens. An `Authenticator`."""

    def __init__(
        self,
        keys: JsonWebKeys,
        *,
        issuer: str,
        audience: str,
        scopes: TokenScopes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Accept tokens that `issuer` made for `audience` and signed with one of `keys`; `clock` returns Unix time."""
        self._scopes = scopes or TokenScopes()
        self._keys = keys
        self._issuer = issuer
        self._caller_prefix = caller_prefix_of(issuer)
        self._audience = audience
        self._clock = clock
        self._cache: dict[bytes, _CachedToken] = {}
        self._cache_keys: object = None

    async def caller_of(self, credential: str) -> Caller | None:
        """Return the caller that a token names, or None if it is not a valid token.

        Raises:
            IdentityProviderUnavailable: the keys to verify the token cannot be fetched.
        """
        if credential.count(".") != 2:  # noqa: PLR2004 - header, claims, signature (RFC 7515, section 3.1)
            return None
        self._keys.refresh_if_stale()
        self._clear_cache_if_keys_changed()
        digest = hashlib.sha256(credential.encode()).digest()
        cached = self._cache.get(digest)
        if cached is not None:
            return cached.caller if self._clock() < cached.expires_at else None
        claims = await self._verified_claims(credential)
        if claims is None:
            return None
        try:
            caller = Caller(
                id=self._caller_prefix + _safe_subject(claims["sub"]), scopes=self._scopes.granted_by(claims)
            )
        except ClaimUnusable:
            return None
        self._clear_cache_if_keys_changed()
        if len(self._cache) >= MAX_CACHED_TOKENS:
            del self._cache[next(iter(self._cache))]
        self._cache[digest] = _CachedToken(caller, int(claims["exp"]) + LEEWAY_SECONDS)
        return caller

    def _clear_cache_if_keys_changed(self) -> None:
        """Clear the cache when the keys have changed: a cached token may be signed with a withdrawn key."""
        if self._keys.keys is not self._cache_keys:
            self._cache.clear()
            self._cache_keys = self._keys.keys

    async def _verified_claims(self, token: str) -> dict[str, Any] | None:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                return None
            key = await self._keys.key(header.get("kid"))
            if key is None:
                return None
            return _JWT.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": _CLAIMS},
            )
        except (jwt.PyJWTError, RecursionError):  # the latter for deeply nested JSON
            return None


def caller_prefix_of(issuer: str) -> str:
    """Return the first part of the caller ids of an issuer: the same subject of two issuers is two callers.

    A key's id has no colon, so no id of a token is that of a key.
    """
    return f"jwt:{hashlib.sha256(issuer.encode()).hexdigest()[:ISSUER_DIGITS]}:"


def _safe_subject(subject: str) -> str:
    """Make a subject, which may be any text, safe in logs; different subjects stay different."""
    safe = _UNSAFE_CHARACTER.sub("_", subject)[:MAX_SUBJECT_CHARACTERS]
    if safe != subject:
        safe += "~" + hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:16]
    return safe
