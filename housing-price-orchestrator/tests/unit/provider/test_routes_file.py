"""The file of routes: read strictly, followed, and never in the way of the routes that are good."""

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
    """Put a new file into the place of the old one, as those who write routes do."""
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


def test_a_canary_has_limits_without_being_told(path: Path) -> None:
    put(path, routes_json(canary=CANARY))
    routes = RoutesFile(path).routes
    assert routes is not None
    assert routes.canary is not None
    assert routes.canary.limits.max_error_ratio == 0.05


BAD: dict[str, str | bytes] = {
    "empty": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "not UTF-8": b'{"revision": "\xff"}',
    "an unknown key": routes_json(colour="blue"),
    "an unknown key of a route": routes_json(champion=a_route("1") | {"colour": "blue"}),
    "no champion": json.dumps({"revision": 1}),
    "no revision": json.dumps({"champion": a_route("1")}),
    "a revision that is a word": routes_json(revision="7"),
    "no address": routes_json(champion=a_route("1") | {"addresses": []}),
    "an address that is none": routes_json(champion=a_route("1") | {"addresses": ["model:8080"]}),
    "a version with a slash": routes_json(champion=a_route("1") | {"version": "../1"}),
    "a weight of nothing": routes_json(canary=CANARY | {"weight": 0}),
    "a weight beyond all": routes_json(canary=CANARY | {"weight": 1.1}),
    "a weight that is a word": routes_json(canary=CANARY | {"weight": "0.1"}),
    "a weight that is no number": routes_json(canary=CANARY).replace("0.1}", "NaN}"),
    "a version with two parts": routes_json(canary=CANARY | {"version": "1"}),
    "an unknown limit": routes_json(canary=CANARY | {"limits": {"maxErrors": 1}}),
    "far too much": routes_json() + " " * MAX_BYTES,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
async def test_a_bad_file_changes_nothing_and_is_logged_once(path: Path, content: str | bytes) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    good = file.routes
    put(path, content)
    structlog.reset_defaults()
    with capture_logs() as logged:
        for _ in range(3):
            assert await file.look() is None
    assert good is not None
    assert file.routes == good
    assert file.error is not None
    assert [line["log_level"] for line in logged] == ["error"]


async def test_another_bad_file_is_logged_again(path: Path) -> None:
    put(path, b"{")
    file = RoutesFile(path)
    put(path, b"[]")
    structlog.reset_defaults()
    with capture_logs() as logged:
        await file.look()
    assert len(logged) == 1


async def test_a_file_that_comes_later_is_read(path: Path) -> None:
    file = RoutesFile(path)
    assert file.routes is None
    assert file.error is not None
    put(path, routes_json())
    assert await file.look() == file.routes
    assert file.routes is not None
    assert file.error is None


async def test_a_file_that_goes_leaves_the_routes(path: Path) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    await asyncio.to_thread(path.unlink)
    assert await file.look() is None
    assert file.routes is not None
    assert file.error is not None


async def test_each_change_is_told_once(path: Path) -> None:
    put(path, routes_json())
    file = RoutesFile(path)
    assert await file.look() is None
    put(path, routes_json(revision=2))
    changed = await file.look()
    assert changed is not None
    assert changed.revision == 2
    assert await file.look() is None
    # The same once more, in another file, is no change.
    put(path, routes_json(revision=2))
    assert await file.look() is None


async def test_what_is_wrong_is_told_without_what_stands_there(path: Path) -> None:
    broken: dict[str, Any] = a_route("1") | {"addresses": ["http://user:SECRET@host:99999/"]}
    put(path, routes_json(champion=broken))
    assert "SECRET" not in str(RoutesFile(path).error)
