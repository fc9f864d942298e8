"""Rate limits over HTTP: rejections, response headers, and limits per key and address."""

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

# A window starts with the first request, so no test outlasts its window.
LIMIT = "3/hour"


def post(api: TestClient, **headers: str) -> Any:
    return api.post(PREDICT, content=house_bytes(), headers=headers)


def test_a_request_over_the_limit_is_a_429_with_a_retry_after(stub: StubModelServer, start_app: StartApp) -> None:
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
    assert len(stub.calls) <= 3 + 1  # the three granted requests and the readiness check


def test_limits_are_checked_before_the_body_is_read(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, rate_limit={"requests": "1/hour"})
    assert api.post(PREDICT, content=b"{").status_code == 422
    answer = api.post(PREDICT, content=b"{")
    assert answer.status_code == 429


def test_every_response_of_a_limited_operation_reports_the_remaining_requests(
    stub: StubModelServer, start_app: StartApp
) -> None:
    api = start_app(stub.url, rate_limit={"requests": LIMIT})
    answer = api.post(PREDICT, content=b"{")
    assert answer.status_code == 422
    assert answer.headers["ratelimit"].startswith('"caller";r=2;')
    assert "ratelimit" not in api.get("/livez").headers


def test_each_key_has_its_own_limit(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    one, other = new_key(file), new_key(file)
    api = start_app(stub.url, auth={"keys_file": file}, rate_limit={"requests": LIMIT})
    assert [post(api, **bearer(one)).status_code for _ in range(5)] == [200] * 3 + [429] * 2
    assert post(api, **bearer(other)).status_code == 200
    # A request that fails authentication is a 401 and not a 429.
    assert post(api).status_code == 401


def test_the_limit_of_an_address_covers_all_its_keys_and_failed_attempts(
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


def test_unlimited_operations_have_no_rate_limit_headers(api: TestClient) -> None:
    assert not [name for name in post(api).headers if name.startswith("ratelimit")]


def test_health_checks_are_not_limited(stub: StubModelServer, start_app: StartApp) -> None:
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
def test_ipv6_addresses_share_the_limit_of_their_network(address: str, network: str) -> None:
    assert network_of(address) == network
