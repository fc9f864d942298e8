"""Knows callers by the tokens (JWT, RFC 7519) of an identity provider."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from housing_price_orchestrator.provider.access.json_web_keys import JsonWebKeys
from housing_price_orchestrator.shared.access import SCOPES, Caller

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures of a private key: what is secret stays with the provider (RFC 8725, section 3.1)."""

LEEWAY_SECONDS = 10.0
"""So far may the provider's clock be from ours."""

MAX_REMEMBERED = 1_000
"""Tokens whose signature is not checked again; a check takes some hundred microseconds."""

MAX_SUBJECT_CHARACTERS = 64
_UNCLEAN = re.compile(r"[^A-Za-z0-9._@|-]")
_CLAIMS = ["exp", "iss", "aud", "sub"]
_JWT = jwt.PyJWT(options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    ends_at: float


class Tokens:
    """Checks tokens' signatures, issuer, audience and times. An `Authenticator`."""

    def __init__(
        self, keys: JsonWebKeys, *, issuer: str, audience: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Believe tokens that `issuer` made for `audience` and signed with one of `keys`; `clock` as `time.time`."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._remembered: dict[bytes, _Remembered] = {}
        self._remembered_with: object = None

    async def caller_of(self, credential: str) -> Caller | None:
        """Find out whose token it is; None where it is no token, or none to be believed.

        Raises:
            IdentityProviderUnavailable: the keys that it would be checked with cannot be had.
        """
        if credential.count(".") != 2:  # noqa: PLR2004 - header, claims, signature (RFC 7515, section 3.1)
            return None
        self._keys.stay_fresh()
        self._forget_with_the_keys()
        digest = hashlib.sha256(credential.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None:
            return remembered.caller if self._clock() < remembered.ends_at else None
        claims = await self._checked(credential)
        if claims is None:
            return None
        caller = Caller(id=_id_of(claims["sub"]), scopes=_scopes_of(claims))
        self._forget_with_the_keys()
        if len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = _Remembered(caller, int(claims["exp"]) + LEEWAY_SECONDS)
        return caller

    def _forget_with_the_keys(self) -> None:
        """Let what is remembered end with the keys that it was checked with."""
        if self._keys.keys is not self._remembered_with:
            self._remembered.clear()
            self._remembered_with = self._keys.keys

    async def _checked(self, token: str) -> dict[str, Any] | None:
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
        except jwt.PyJWTError:
            return None


def _scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Take those of ours from the claim `scope`: words with spaces between (RFC 8693, section 4.2)."""
    scope = claims.get("scope")
    return frozenset(scope.split(" ")).intersection(SCOPES) if isinstance(scope, str) else frozenset()


def _id_of(subject: str) -> str:
    """Make of a subject, which may be any text, an id that is good for a log; two subjects never have the same."""
    clean = _UNCLEAN.sub("_", subject)[:MAX_SUBJECT_CHARACTERS]
    if clean != subject:
        clean += "~" + hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"jwt:{clean}"
