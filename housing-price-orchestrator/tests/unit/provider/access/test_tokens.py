"""Tokens of an identity provider: a real one signs them, and a real server publishes its keys."""

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
    FRESH_SECONDS,
    MAX_DOCUMENT_BYTES,
    PAUSE_SECONDS,
    USABLE_SECONDS,
    JsonWebKeys,
    client_for_keys,
)
from housing_price_orchestrator.provider.access.tokens import MAX_REMEMBERED, Tokens
from housing_price_orchestrator.shared.access import Caller
from housing_price_orchestrator.shared.errors import IdentityProviderUnavailable
from servers import StubModelServer, closes_in_the_body, resets_before_it_answers, says
from tokens import AUDIENCE, ISSUER, NAMED, RSA_KEY, published, token

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider() -> Iterator[StubModelServer]:
    with StubModelServer(says(body=published("rsa", "ec"))) as server:
        yield server


@asynccontextmanager
async def keys_of(provider: StubModelServer, clock: FakeClock | None = None) -> AsyncIterator[JsonWebKeys]:
    async with JsonWebKeys(f"{provider.url}/jwks", client=client_for_keys(), clock=clock or FakeClock()) as keys:
        yield keys


@asynccontextmanager
async def tokens_of(provider: StubModelServer, clock: FakeClock | None = None) -> AsyncIterator[Tokens]:
    async with keys_of(provider, clock) as keys:
        yield Tokens(keys, issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("key", ["rsa", "ec"])
async def test_a_good_token_tells_who_asks_and_what_they_may_do(provider: StubModelServer, key: str) -> None:
    async with tokens_of(provider) as tokens:
        for _ in range(2):  # the second is remembered
            caller = await tokens.caller_of(token(key, scope="predict admin profile"))
            assert caller == Caller("jwt:ann", frozenset({"predict", "admin"}))
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
    "no end": {"exp": None},
    "an end that is no number": {"exp": "soon"},
    "an end beyond numbers": {"exp": float("inf")},
    "not yet good": {"nbf": NOW + 10 * DAY_SECONDS},
    "made in the future": {"iat": NOW + 10 * DAY_SECONDS},
    "nobody": {"sub": None},
    "a number for a name": {"sub": 17},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_a_token_with_wrong_claims_is_nobodys(provider: StubModelServer, claims: dict[str, Any]) -> None:
    # The library that makes tokens refuses to make some of these.
    if not isinstance(claims.get("sub", ""), str) or not isinstance(claims.get("iss", ""), str):
        private, algorithm = NAMED["rsa"]
        good = jwt.decode(token(), options={"verify_signature": False})
        content = json.dumps({name: value for name, value in {**good, **claims}.items() if value is not None})
        made = jwt.PyJWS().encode(content.encode(), private, algorithm, headers={"kid": "rsa"})
    else:
        made = token(**claims)
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(made) is None


async def test_one_of_several_audiences_may_be_this_service(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(aud=["other", AUDIENCE])) is not None


@pytest.mark.parametrize("scope", [None, "", "openid", ["predict"], 7, "PREDICT", "predict,admin"])
async def test_a_token_without_our_scopes_may_do_nothing(provider: StubModelServer, scope: Any) -> None:
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(token(scope=scope)) == Caller("jwt:ann", frozenset())


def forged() -> dict[str, str]:
    head, body, signature = token().split(".")
    other = jwt.encode({"sub": "eve"}, RSA_KEY, "RS256").split(".")[1]
    # The classic confusion: what is public taken for a secret that both sides share.
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    tampered = jwt.encode({"sub": "eve"}, "x" * 32, "HS256", headers={"kid": "rsa"}).rpartition(".")[0]
    with warnings.catch_warnings(action="ignore", category=InsecureKeyLengthWarning):
        short = token("short")
    mac = hmac.digest(public, tampered.encode(), "sha256")
    return {
        "other claims": f"{head}.{other}.{signature}",
        "no signature": f"{head}.{body}.",
        "algorithm none": jwt.encode({"sub": "eve"}, None, "none", headers={"kid": "rsa"}),
        "the public key as a secret": f"{tampered}.{jwt.utils.base64url_encode(mac).decode()}",
        "signed with another key": token("ec", header={"kid": "rsa"}),
        "an unknown key": token(header={"kid": "other"}),
        "a short key": short,
        "no token": "a.b.c",
        "only dots": "..",
        "two parts": "a.b",
        "a key of ours": "hp_00000000_" + "0" * 64,
        "empty": "",
    }


@pytest.mark.parametrize("name", forged())
async def test_a_forged_token_is_nobodys(provider: StubModelServer, name: str) -> None:
    provider.behaviour = says(body=published("rsa", "ec", "short"))
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(forged()[name]) is None


async def test_a_key_that_both_sides_know_is_no_key(provider: StubModelServer) -> None:
    secret = b"x" * 32
    shared = {"kty": "oct", "k": jwt.utils.base64url_encode(secret).decode(), "kid": "oct", "alg": "HS256"}
    provider.behaviour = says(body=json.dumps({"keys": [shared]}).encode())
    made = jwt.encode({"sub": "eve"}, secret, "HS256", headers={"kid": "oct"})
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(made) is None
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.caller_of(token())


async def test_what_is_remembered_ends_with_the_token(provider: StubModelServer) -> None:
    clock = FakeClock()
    clock.now = time.time()
    async with keys_of(provider) as keys:
        tokens = Tokens(keys, issuer=ISSUER, audience=AUDIENCE, clock=clock)
        made = token()
        assert await tokens.caller_of(made) is not None
        clock.passes(400)
        assert await tokens.caller_of(made) is None


async def test_what_is_remembered_ends_with_the_key_that_signed_it(provider: StubModelServer) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        made = token()
        assert await tokens.caller_of(made) is not None
        provider.behaviour = says(body=published("ec"))
        clock.passes(FRESH_SECONDS)
        # Asking for another key waits for what is under way.
        assert await tokens.caller_of(token(header={"kid": "other"})) is None
        assert await tokens.caller_of(made) is None
        assert len(provider.calls) == 2


async def test_no_more_tokens_are_remembered_than_agreed(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        for number in range(5):
            assert await tokens.caller_of(token(jti=str(number))) is not None
        assert len(tokens._remembered) == 5 < MAX_REMEMBERED
        tokens._remembered |= {number.to_bytes(): next(iter(tokens._remembered.values())) for number in range(250)}
        while len(tokens._remembered) < MAX_REMEMBERED:
            tokens._remembered[len(tokens._remembered).to_bytes(32)] = next(iter(tokens._remembered.values()))
        assert await tokens.caller_of(token(jti="one more")) is not None
        assert len(tokens._remembered) == MAX_REMEMBERED


async def test_a_new_key_of_the_provider_is_fetched_when_a_token_names_it(provider: StubModelServer) -> None:
    clock = FakeClock()
    provider.behaviour = says(body=published("rsa"))
    async with tokens_of(provider, clock) as tokens:
        assert await tokens.caller_of(token("rsa")) is not None
        provider.behaviour = says(body=published("rsa", "ec"))
        assert await tokens.caller_of(token("ec")) is None  # asked a moment ago
        clock.passes(PAUSE_SECONDS)
        assert await tokens.caller_of(token("ec")) is not None


async def test_unknown_keys_do_not_make_it_ask_again_and_again(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        for number in range(50):
            assert await tokens.caller_of(token(header={"kid": str(number)})) is None
    assert len(provider.calls) == 1


BROKEN = {
    "503": says(503),
    "a redirect": says(302, headers={"location": "http://127.0.0.1:1/"}),
    "HTML": says(body=b"<html>", content_type="text/html"),
    "no keys": says(body=b'{"keys": []}'),
    "another document": says(body=b"[]"),
    "a number": says(body=b'{"keys": 7}'),
    "broken keys": says(
        body=b'{"keys": [{"kty": "RSA"}, {"kty": "EC", "crv": 7}, null, {"kty": "RSA", "n": 1, "e": {}}]}'
    ),
    "too many keys": says(body=json.dumps({"keys": [{"kty": "RSA"}] * 101}).encode()),
    "too large": says(body=b" " * (MAX_DOCUMENT_BYTES + 1)),
    "reset": resets_before_it_answers,
    "half an answer": closes_in_the_body,
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
async def test_without_any_keys_nobody_is_told_from_anybody(provider: StubModelServer, behaviour: Any) -> None:
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
        clock.passes(PAUSE_SECONDS)
        assert await tokens.caller_of(token()) is not None


async def test_known_keys_stay_good_while_their_provider_is_away_but_not_for_ever(provider: StubModelServer) -> None:
    clock = FakeClock()
    async with tokens_of(provider, clock) as tokens:
        assert await tokens.caller_of(token()) is not None
        provider.goes_away()
        clock.passes(FRESH_SECONDS)
        assert await tokens.caller_of(token()) is not None
        clock.passes(USABLE_SECONDS)
        with pytest.raises(IdentityProviderUnavailable):
            await tokens.caller_of(token())
        provider.comes_back()


async def test_a_provider_that_publishes_one_key_need_not_name_it(provider: StubModelServer) -> None:
    provider.behaviour = says(body=published("ec", kid=None).replace(b'"kid": null, ', b""))
    private, algorithm = NAMED["ec"]
    good = jwt.decode(token(), options={"verify_signature": False})
    async with tokens_of(provider) as tokens:
        assert await tokens.caller_of(jwt.encode(good, private, algorithm)) is not None


@pytest.mark.parametrize("other", ["a b", "a\r\nb", "x" * 65, "ä", "\ud800"])
async def test_any_subject_has_an_id_of_its_own_that_is_fit_for_a_log(provider: StubModelServer, other: str) -> None:
    async with tokens_of(provider) as tokens:
        ids = []
        for subject in (other, other + "!"):
            caller = await tokens.caller_of(token(sub=subject))
            assert caller is not None
            ids.append(caller.id)
    assert len(set(ids)) == 2
    assert all(one.isascii() and one.isprintable() and " " not in one and len(one) <= 90 for one in ids)


async def test_the_keys_are_asked_for_once_however_many_wait(provider: StubModelServer) -> None:
    async with tokens_of(provider) as tokens:
        callers = await asyncio.gather(*(tokens.caller_of(token(jti=str(number))) for number in range(20)))
    assert all(callers)
    assert len(provider.calls) == 1
