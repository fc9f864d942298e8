"""Rates over HTTP: what is refused, what the answers say, and who is counted."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import bearer, house_bytes, new_key
from housing_price_orchestrator.service.access import network_of
from servers import StubModelServer

PREDICT = "/api/v1/price/predict"

# A window begins with the first request, and no test takes an hour.
LIMIT = "3/hour"


def post(api: TestClient, **headers: str) -> Any:
    return api.post(PREDICT, content=house_bytes(), headers=headers)


def test_what_is_over_the_rate_is_a_429_that_says_when_to_come_back(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, rate_limit={"requests": LIMIT})
    answers = [post(api) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    for answer, remaining in zip(answers, [2, 1, 0, 0, 0], strict=True):
        assert answer.headers["ratelimit-policy"] == '"caller";q=3;w=3600'
        limit = re.fullmatch(r'"caller";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert limit is not None
        assert int(limit[1]) == remaining
        assert 1 <= int(limit[2]) <= 3_600
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith(":rate-limit-exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 3_600
    assert len(stub.calls) <= 3 + 1  # the three that were granted, and the question of readiness


def test_a_limit_is_met_before_the_body_is_read(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, rate_limit={"requests": "1/hour"})
    assert api.post(PREDICT, content=b"{").status_code == 422
    answer = api.post(PREDICT, content=b"{")
    assert answer.status_code == 429


def test_every_answer_of_a_counted_operation_says_what_is_left(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, rate_limit={"requests": LIMIT})
    answer = api.post(PREDICT, content=b"{")
    assert answer.status_code == 422
    assert answer.headers["ratelimit"].startswith('"caller";r=2;')
    assert "ratelimit" not in api.get("/livez").headers


def test_each_key_has_a_rate_of_its_own(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    one, other = new_key(file), new_key(file)
    api = start_app(stub.url, auth={"keys_file": file}, rate_limit={"requests": LIMIT})
    assert [post(api, **bearer(one)).status_code for _ in range(5)] == [200] * 3 + [429] * 2
    assert post(api, **bearer(other)).status_code == 200
    # Who is refused for another reason does not use up anything, and is not told to wait.
    assert post(api).status_code == 401


def test_an_address_has_a_rate_whatever_its_keys_and_guessing_uses_it_up(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    keys = [new_key(file) for _ in range(2)]
    limits = {"requests": "100/hour", "requests_per_address": LIMIT}
    api = start_app(stub.url, auth={"keys_file": file}, rate_limit=limits)
    answers = [post(api, **bearer(key)) for key in (keys[0], "guess", keys[1], keys[0])]
    assert [answer.status_code for answer in answers] == [200, 401, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"address";q=3;w=3600, "caller";q=100;w=3600'
    assert answers[0].headers["ratelimit"].count(";r=") == 2


def test_what_is_not_limited_says_nothing_of_limits(api: TestClient) -> None:
    assert not [name for name in post(api).headers if name.startswith("ratelimit")]


def test_watching_the_service_is_not_limited(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, rate_limit={"requests": "1/hour", "requests_per_address": "1/hour"})
    assert {api.get("/livez").status_code for _ in range(10)} == {200}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_of_an_ipv6_address_its_network_is_counted(address: str, network: str) -> None:
    assert network_of(address) == network
