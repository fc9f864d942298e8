"""The routes file: strict parsing, reloading, and keeping the last valid routes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from factories import a_route, routes_json
from housing_price_orchestrator.provider.routes_file import MAX_BYTES, RoutesFile

pytestmark = pytest.mark.anyio

CANARY = a_route("2") | {"weight": 0.1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "routes.json"


def put(path: Path, content: str | bytes) -> None:
    """Replace the file atomically, as writers of routes do."""
    new = path.with_suffix(".new")
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.replace(path)


def test_routes_are_read(path: Path) -> None:
    limits = {"maxErrorRatio": 0.01, "maxLatencyRatio": 2.0, "maxMedianDeviation": 0.1, "leastRequests": 20}
    put(path, routes_json(canary=CANARY | {"limits": limits}, shadow=a_route("3") | {"sample": 0.5}))
    routes = RoutesFile(path).routes
    assert routes is not None
    assert (routes.revision, routes.champion.version, str(routes.champion.addresses[0])) == (
        1,
        "1",
        "http://127.0.0.1:8081/",
    )
    assert routes.canary is not None
    assert (routes.canary.weight, routes.canary.limits.least_requests) == (0.1, 20)
    assert routes.shadow is not None
    assert routes.shadow.sample == 0.5


def test_a_canary_has_default_limits(path: Path) -> None:
    put(path, routes_json(canary=CANARY))
    routes = RoutesFile(path).routes
    assert routes is not None
    assert routes.canary is not None
    assert routes.canary.limits.max_error_ratio == 0.05


BAD: dict[str, str | bytes] = {
    "empty": b"",
    "not JSON": b"{",
    "not an object": b"[]",
    "not UTF-8": b'{"revision": "\xff"}',
    "an unknown key": routes_json(colour="blue"),
    "an unknown key of a route": routes_json(champion=a_route("1") | {"colour": "blue"}),
    "no champion": json.dumps({"revision": 1}),
    "no revision": json.dumps({"champion": a_route("1")}),
    "a text revision": routes_json(revision="7"),
    "no address": routes_json(champion=a_route("1") | {"addresses": []}),
    "an invalid address": routes_json(champion=a_route("1") | {"addresses": ["model:8080"]}),
    "a version with a slash": routes_json(champion=a_route("1") | {"version": "../1"}),
    "a weight of zero": routes_json(canary=CANARY | {"weight": 0}),
    "a weight above 1": routes_json(canary=CANARY | {"weight": 1.1}),
    "a text weight": routes_json(canary=CANARY | {"weight": "0.1"}),
    "a NaN weight": routes_json(canary=CANARY).replace("0.1}", "NaN}"),
    "one version as champion and canary": routes_json(canary=CANARY | {"version": "1"}),
    "an unknown limit": routes_json(canary=CANARY | {"limits": {"maxErrors": 1}}),
    "too large": routes_json() + " " * MAX_BYTES,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
async def test_an_invalid_file_keeps_the_routes_and_is_logged_once(path: Path, content: str | bytes) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    good = file.routes
    put(path, content)
    structlog.reset_defaults()
    with capture_logs() as logged:
        for _ in range(3):
            assert await file.reload_if_changed() is None
    assert good is not None
    assert file.routes == good
    assert file.error is not None
    assert [line["log_level"] for line in logged] == ["error"]


async def test_a_different_invalid_file_is_logged_again(path: Path) -> None:
    put(path, b"{")
    file = RoutesFile(path)
    put(path, b"[]")
    structlog.reset_defaults()
    with capture_logs() as logged:
        await file.reload_if_changed()
    assert len(logged) == 1


@pytest.mark.parametrize(("content", "level"), [(None, "info"), (b"{", "warning")])
async def test_a_missing_file_is_normal_at_the_start_and_an_invalid_one_is_not(
    path: Path, content: bytes | None, level: str
) -> None:
    if content is not None:
        put(path, content)
    structlog.reset_defaults()
    with capture_logs() as logged:
        RoutesFile(path)
    assert [line["log_level"] for line in logged] == [level]


async def test_a_file_created_later_is_loaded(path: Path) -> None:
    file = RoutesFile(path)
    routes, error = file.routes, file.error
    assert routes is None
    assert error is not None
    put(path, routes_json())
    assert await file.reload_if_changed() == file.routes
    assert file.routes is not None
    assert file.error is None


async def test_a_deleted_file_keeps_the_routes(path: Path) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    await asyncio.to_thread(path.unlink)
    assert await file.reload_if_changed() is None
    assert file.routes is not None
    assert file.error is not None


async def test_each_change_is_returned_once(path: Path) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    assert await file.reload_if_changed() is None
    put(path, routes_json(revision=2))
    changed = await file.reload_if_changed()
    assert changed is not None
    assert changed.revision == 2
    assert await file.reload_if_changed() is None
    # A new file with the same routes is not a change.
    put(path, routes_json(revision=2))
    assert await file.reload_if_changed() is None


async def test_errors_do_not_contain_the_values_of_the_file(path: Path) -> None:
    broken: dict[str, Any] = a_route("1") | {"addresses": ["http://user:SECRET@host:99999/"]}
    put(path, routes_json(champion=broken))
    assert "SECRET" not in str(RoutesFile(path).error)
