import asyncio

import httpx
import pytest
import respx

from housing_price.errors import StackError
from housing_price.stack.champion import ALIAS_PATH, Champion, find_champion

REGISTRY = "http://registry.test"


def request_champion(answer: httpx.Response | Exception) -> Champion | None:
    async def scene() -> Champion | None:
        with respx.mock:
            respx.get(f"{REGISTRY}{ALIAS_PATH}").mock(side_effect=[answer])
            async with httpx.AsyncClient() as client:
                return await find_champion(client, REGISTRY)

    return asyncio.run(scene())


def test_the_champion_has_the_digest_that_the_registry_recorded() -> None:
    body = {"model_version": {"version": "3", "tags": [{"key": "digest", "value": "d"}, {"key": "x", "value": "y"}]}}
    assert request_champion(httpx.Response(200, json=body)) == Champion("3", "d")


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_there_is_no_champion_without_a_model_or_an_alias(code: str) -> None:
    assert request_champion(httpx.Response(404, json={"error_code": code})) is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.Response(200, text="<html>"),
        httpx.Response(403, json={"error_code": "PERMISSION_DENIED", "message": "no"}),
        httpx.Response(500, json={}),
    ],
)
def test_an_unusable_answer_is_an_error_and_not_an_empty_registry(answer: httpx.Response | Exception) -> None:
    with pytest.raises(StackError, match=REGISTRY):
        request_champion(answer)


@pytest.mark.parametrize(
    ("manifest", "is_same"),
    [
        ({"version": "3", "digest": "d"}, True),
        ({"version": 3, "digest": "d"}, True),
        ({"version": "3", "digest": "other"}, False),
        ({"version": "2", "digest": "d"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_an_export_is_the_champion_if_version_and_digest_match(
    manifest: dict[str, object] | None, is_same: bool
) -> None:
    assert Champion("3", "d").is_exported_as(manifest) is is_same


def test_without_a_recorded_digest_only_the_version_is_compared() -> None:
    assert Champion("3", None).is_exported_as({"version": "3", "digest": "any"})
