"""Tokens of an identity provider, really signed and checked against keys from a real server."""

import asyncio
import hmac
import json
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.warnings import InsecureKeyLengthWarning
from structlog.testing import capture_logs

from fakes import FakeClock
from housing_price_orchestrator.provider.access.json_web_keys import (
    MAX_DOCUMENT_BYTES,
    MAX_KEY_AGE_SECONDS,
    MIN_FETCH_INTERVAL_SECONDS,
    REFRESH_SECONDS,
    JsonWebKeys,
    client_for_keys,
)
from housing_price_orchestrator.provider.access.token_scopes import TokenScopes
from housing_price_orchestrator.provider.access.tokens import MAX_CACHED_TOKENS, TokenAuthenticator, caller_prefix_of
from housing_price_orchestrator.shared.access import Caller
from housing_price_orchestrator.shared.errors import IdentityProviderUnavailable
from servers import StubModelServer, closes_in_the_body, resets_before_it_answers, says
from tokens import AUDIENCE, ISSUER, NAMED, RSA_KEY, published, token

pytestmark = pytest.mark.anyio

ANN = f"{caller_prefix_of(ISSUER)}ann"


@pytest.fixture
def provider() -> Iterator[StubModelServer]:
    with StubModelServer(says(body=published("rsa", "ec"))) as server:
        yield server


@asynccontextmanager
async def keys_of(provider: StubModelServer, clock: FakeClock | None = None) -> AsyncIterator[JsonWebKeys]:
    async with JsonWebKeys(
        f"{provider.url}/jwks", client=client_for_keys(provider.url), clock=clock or FakeClock()
    ) as keys:
        yield keys


@asynccontextmanager
async def tokens_of(provider: StubModelServer, clock: FakeClock | None = None) -> AsyncIterator[TokenAuthenticator]:
    async with keys_of(provider, clock) as keys:
        yield TokenAuthenticator(keys, issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("key", ["rsa", "ec"])
async def test_a_valid_token_yields_its_caller_and_scopes(provider: StubModelServer, key: str) -> None:
    async with tokens_of(provider) as tokens:
        for _ in range(2):  # the second call is served from the cache
            caller = await tokens.caller_of(token(key, scope="predict admin profile"))
            assert caller == Caller(ANN, frozenset({"predict", "admin"}))
    assert [call.path for call in provider.calls] == ["/jwks"]


NOW = int(time.time())  # when the tests were collected, which may be long before they run
DAY_SECONDS = 24 * 60 * 60

BAD_CLAIMS = {
    "another issuer": {"iss": "https://other.example"},
    "no issuer": {"iss": None},
    "a list of issuers": {"iss": [ISSUER]},
    "another audience": {"aud": "other"},
    "no audience": {"aud": None},
    "expired": {"exp": NOW - 60},
    "no expiry": {"exp": None},
    "an expiry that is not a number": {"exp": "soon"},
    "an infinite expiry": {"exp": float("inf")},
    "not yet valid": {"nbf": NOW + 10 * DAY_SECONDS},
    "issued in the future": {"iat": NOW + 10 * DAY_SECONDS},
    "no subject": {"sub": None},
    "a number as subject": {"sub": 17},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_a_token_with_wrong_claims_is_refused(provider: StubModelServer, claims: dict[str, Any]) -> None:
    # PyJWT refuses to create some of these tokens.
    if not isinstance(claims.get("sub", ""), str) or not isinstance(claims.get("iss", ""), str):
        private, algorithm = NAMED["rsa"]
        good = jwt.decode(token(), options={"verify_signature": False})
        content = json.dumps({name: value for name, value in {**good, **claims}.items() if value is not None})
        made = jwt.PyJWS().encode(content.encode(), private, algorithm, headers={"kid": "rsa"})
    else:
        made = token(**claims)
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(made) is None


async def test_a_token_for_several_audiences_is_accepted(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(aud=["other", AUDIENCE])) is not None


@pytest.mark.parametrize("scope", [None, "", "openid", [], ["predict admin"], "PREDICT", "predict,admin"])
async def test_a_token_without_known_scopes_grants_no_scope(provider: StubModelServer, scope: Any) -> None:
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(scope=scope)) == Caller(ANN, frozenset())


GRANTED = {
    "text": ({"scope": "predict admin"}, {"predict", "admin"}),
    "text of Entra ID": ({"scp": "predict  profile"}, {"predict"}),
    "a list of Okta": ({"scp": ["openid", "predict", "jobs"]}, {"predict", "jobs"}),
    "both": ({"scope": "predict", "scp": ["admin"]}, {"predict", "admin"}),
    "a claim that is not configured": ({"roles": ["admin"]}, set()),
}


@pytest.mark.parametrize(("claims", "expected"), GRANTED.values(), ids=GRANTED)
async def test_scopes_come_from_scope_and_scp_as_text_or_list(
    provider: StubModelServer, claims: dict[str, Any], expected: set[str]
) -> None:
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(**{"scope": None, **claims})) == Caller(ANN, frozenset(expected))


@pytest.mark.parametrize("name", ["scope", "scp"])
@pytest.mark.parametrize("value", [7, True, 1.5, {"predict": True}, ["predict", 7], [["predict"]], [None]])
async def test_scopes_of_another_type_make_a_token_invalid(provider: StubModelServer, name: str, value: object) -> None:
    claims: dict[str, Any] = {name: value}
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(**claims)) is None


CONFIGURED: dict[str, tuple[TokenScopes, dict[str, Any], set[str]]] = {
    "another claim": (TokenScopes(["roles"]), {"roles": ["admin"], "scope": "predict"}, {"admin"}),
    "several claims": (
        TokenScopes(["roles", "permissions"]),
        {"roles": "jobs", "permissions": ["admin"]},
        {"jobs", "admin"},
    ),
    "a claim inside another": (
        TokenScopes(["realm_access.roles"]),
        {"realm_access": {"roles": ["predict"]}},
        {"predict"},
    ),
    "a claim with dots in its name": (
        TokenScopes(["https://shop.example/roles"]),
        {"https://shop.example/roles": ["predict"]},
        {"predict"},
    ),
    "a path through a text": (TokenScopes(["roles.admin"]), {"roles": "admin"}, set()),
    "a mapping": (
        TokenScopes(["roles"], [("Prices.Read", "predict"), ("Price Owners", "admin"), ("Price Owners", "jobs")]),
        {"roles": ["Price Owners"]},
        {"admin", "jobs"},
    ),
    "a mapping instead of the names": (
        TokenScopes(["roles"], [("Owners", "admin")]),
        {"roles": ["admin", "jobs"]},
        set(),
    ),
}


@pytest.mark.parametrize(("scopes", "claims", "expected"), CONFIGURED.values(), ids=CONFIGURED)
async def test_claims_and_what_they_grant_can_be_configured(
    provider: StubModelServer, scopes: TokenScopes, claims: dict[str, Any], expected: set[str]
) -> None:
    async with keys_of(provider) as keys:
        tokens = TokenAuthenticator(keys, issuer=ISSUER, audience=AUDIENCE, scopes=scopes)
        assert await tokens.caller_of(token(**{"scope": None, **claims})) == Caller(ANN, frozenset(expected))


def forged() -> dict[str, str]:
    head, body, signature = token().split(".")
    other = jwt.encode({"sub": "eve"}, RSA_KEY, "RS256").split(".")[1]
    # Algorithm confusion: a public key used as an HMAC secret.
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    tampered = jwt.encode({"sub": "eve"}, "x" * 32, "HS256", headers={"kid": "rsa"}).rpartition(".")[0]
    with warnings.catch_warnings(action="ignore", category=InsecureKeyLengthWarning):
        short = token("short")
    mac = hmac.digest(public, tampered.encode(), "sha256")
    return {
        "other claims": f"{head}.{other}.{signature}",
        "no signature": f"{head}.{body}.",
        "algorithm none": jwt.encode({"sub": "eve"}, "", "none", headers={"kid": "rsa"}),
        "the public key as a secret": f"{tampered}.{jwt.utils.base64url_encode(mac).decode()}",
        "signed with another key": token("ec", header={"kid": "rsa"}),
        "an unknown key": token(header={"kid": "other"}),
        "a short key": short,
        "not a token": "a.b.c",
        "deeply nested JSON": f"{jwt.utils.base64url_encode(b'[' * 40_000).decode()}.e30.AAAA",
        "only dots": "..",
        "two parts": "a.b",
        "an API key": "hp_00000000_" + "0" * 64,
        "empty": "",
    }


@pytest.mark.parametrize("name", forged())
async def test_a_forged_token_is_refused(provider: StubModelServer, name: str) -> None:
    provider.behaviour = says(body=published("rsa", "ec", "short"))
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(forged()[name]) is None


async def test_symmetric_keys_are_ignored(provider: StubModelServer) -> None:
    secret = b"x" * 32
    shared = {"kty": "oct", "k": jwt.utils.base64url_encode(secret).decode(), "kid": "oct", "alg": "HS256"}
    provider.behaviour = says(body=json.dumps({"keys": [shared]}).encode())
    made = jwt.encode({"sub": "eve"}, secret, "HS256", headers={"kid": "oct"})
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(made) is None
        assert await tokens.caller_of(token()) is None


NO_KEYS = {
    "an empty set": {"keys": []},
    "only symmetric keys": {"keys": [{"kty": "oct", "k": "eA", "kid": "rsa"}]},
    "only keys for encryption": json.loads(published("rsa", use="enc")),
}


@pytest.mark.parametrize("document", NO_KEYS.values(), ids=NO_KEYS)
async def test_a_valid_set_without_keys_withdraws_all_keys(provider: StubModelServer, document: object) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        made = token()
        assert await tokens.caller_of(made) is not None
        provider.behaviour = says(body=json.dumps(document).encode())
        clock.passes(REFRESH_SECONDS)
        # Looking up another key waits for the running fetch.
        assert await tokens.caller_of(token(header={"kid": "other"})) is None
        assert await tokens.caller_of(made) is None
        provider.goes_away()
        clock.passes(MIN_FETCH_INTERVAL_SECONDS)
        assert await tokens.caller_of(made) is None  # the empty set is known, so the provider is not needed
        provider.comes_back()
        provider.behaviour = says(body=published("rsa"))
        clock.passes(MIN_FETCH_INTERVAL_SECONDS)
        assert await tokens.caller_of(made) is not None


async def test_a_cached_token_expires(provider: StubModelServer) -> None:
    clock = FakeClock()
    clock.now = time.time()
    async with keys_of(provider) as keys:
        tokens = TokenAuthenticator(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock)
        made = token()
        assert await tokens.caller_of(made) is not None
        clock.passes(400)
        assert await tokens.caller_of(made) is None


async def test_a_cached_token_is_dropped_when_its_key_is_withdrawn(provider: StubModelServer) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        made = token()
        assert await tokens.caller_of(made) is not None
        provider.behaviour = says(body=published("ec"))
        clock.passes(REFRESH_SECONDS)
        # Looking up another key waits for the running fetch.
        assert await tokens.caller_of(token(header={"kid": "other"})) is None
        assert await tokens.caller_of(made) is None
        assert len(provider.calls) == 2


async def test_the_token_cache_is_bounded(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        for number in range(5):
            assert await tokens.caller_of(token(jti=str(number))) is not None
        assert len(tokens._cache) == 5 < MAX_CACHED_TOKENS
        tokens._cache |= {number.to_bytes(): next(iter(tokens._cache.values())) for number in range(250)}
        while len(tokens._cache) < MAX_CACHED_TOKENS:
            tokens._cache[len(tokens._cache).to_bytes(32)] = next(iter(tokens._cache.values()))
        assert await tokens.caller_of(token(jti="one more")) is not None
        assert len(tokens._cache) == MAX_CACHED_TOKENS


async def test_a_new_key_of_the_provider_is_fetched_when_a_token_names_it(provider: StubModelServer) -> None:
    clock = FakeClock()
    provider.behaviour = says(body=published("rsa"))
    async with tokens_of(provider, clock) as tokens:
        assert await tokens.caller_of(token("rsa")) is not None
        provider.behaviour = says(body=published("rsa", "ec"))
        assert await tokens.caller_of(token("ec")) is None  # within the minimum fetch interval
        clock.passes(MIN_FETCH_INTERVAL_SECONDS)
        assert await tokens.caller_of(token("ec")) is not None


async def test_unknown_keys_cause_at_most_one_fetch_per_interval(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        for number in range(50):
            assert await tokens.caller_of(token(header={"kid": str(number)})) is None
    assert len(provider.calls) == 1


BROKEN = {
    "503": says(503),
    "a redirect": says(302, headers={"location": "http://127.0.0.1:1/"}),
    "HTML": says(body=b"<html>", content_type="text/html"),
    "another document": says(body=b"[]"),
    "an empty document": says(body=b"{}"),
    "keys of another type": says(body=b'{"keys": {}}'),
    "a number": says(body=b'{"keys": 7}'),
    "broken keys": says(
        body=b'{"keys": [{"kty": "RSA"}, {"kty": "EC", "crv": 7}, null, {"kty": "RSA", "n": 1, "e": {}}]}'
    ),
    "too many keys": says(body=json.dumps({"keys": [{"kty": "RSA"}] * 101}).encode()),
    "too large": says(body=b" " * (MAX_DOCUMENT_BYTES + 1)),
    "reset": resets_before_it_answers,
    "a truncated response": closes_in_the_body,
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
async def test_without_any_keys_authentication_is_unavailable(provider: StubModelServer, behaviour: Any) -> None:
    provider.behaviour = behaviour
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        structlog.reset_defaults()
        with capture_logs() as logs:
            for _ in range(2):
                with pytest.raises(IdentityProviderUnavailable):
                    await tokens.caller_of(token())
        assert len(provider.calls) == len(logs) == 1
        provider.behaviour = says(body=published("rsa"))
        clock.passes(MIN_FETCH_INTERVAL_SECONDS)
        assert await tokens.caller_of(token()) is not None


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
async def test_known_keys_bridge_a_broken_answer(provider: StubModelServer, behaviour: Any) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        made = token()
        assert await tokens.caller_of(made) is not None
        provider.behaviour = behaviour
        clock.passes(REFRESH_SECONDS)
        assert await tokens.caller_of(token(header={"kid": "other"})) is None
        assert await tokens.caller_of(made) is not None


async def test_cached_keys_are_used_while_the_provider_is_unavailable_until_their_maximum_age(
    provider: StubModelServer,
) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        assert await tokens.caller_of(token()) is not None
        provider.goes_away()
        clock.passes(REFRESH_SECONDS)
        assert await tokens.caller_of(token()) is not None
        clock.passes(MAX_KEY_AGE_SECONDS)
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.caller_of(token())
        provider.comes_back()


async def test_a_single_published_key_needs_no_id(provider: StubModelServer) -> None:
    provider.behaviour = says(body=published("ec", kid=None).replace(b'"kid": null, ', b""))
    private, algorithm = NAMED["ec"]
    good = jwt.decode(token(), options={"verify_signature": False})
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(jwt.encode(good, private, algorithm)) is not None


@pytest.mark.parametrize("other", ["a b", "a\r\nb", "x" * 65, "ä", "\ud800"])
async def test_every_subject_gets_a_unique_id_that_is_safe_in_logs(provider: StubModelServer, other: str) -> None:
    async with tokens_of(provider) as tokens:
        ids = []
        for subject in (other, other + "!"):
            caller = await tokens.caller_of(token(sub=subject))
            assert caller is not None
            ids.append(caller.id)
    assert len(set(ids)) == 2
    assert all(one.isascii() and one.isprintable() and " " not in one and len(one) <= 100 for one in ids)


async def test_concurrent_callers_share_one_fetch(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        callers = await asyncio.gather(*(tokens.caller_of(token(jti=str(number))) for number in range(20)))
    assert all(callers)
    assert len(provider.calls) == 1
