"""The services behind the page's tests are real: they price, and a killed comparables server comes back."""

import httpx
import pytest

from factories import house_json

from ..real_services import GuardedService, Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

VALUATION = "/api/v1/valuation"


def failed_parts(service: Service) -> list[str]:
    answer = httpx.post(f"{service.url}{VALUATION}", json=house_json(), timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    return [one["part"] for one in answer.json()["problems"]]


def test_a_killed_comparables_server_is_missed_and_comes_back(service: Service) -> None:
    assert failed_parts(service) == []
    with service.without_comparables():
        assert "comparables" in failed_parts(service)
    assert failed_parts(service) == []


@pytest.mark.parametrize(("key", "status"), [("all", 200), ("predict", 403), ("jobs", 200), ("", 401)])
def test_keys_allow_what_their_names_say(guarded: GuardedService, key: str, status: int) -> None:
    headers = {"x-api-key": guarded.keys[key]} if key else {}
    answer = httpx.get(f"{guarded.url}/api/v1/jobs", headers=headers, timeout=60, trust_env=False)
    assert answer.status_code == status
