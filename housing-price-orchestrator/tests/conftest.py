"""Fixtures of the orchestrator's tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from fastapi.testclient import TestClient

from factories import REPOSITORY, client_of, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.provider.store.prediction_log import SqlPredictionLog
from housing_price_orchestrator.settings import PREFIX
from servers import LISTENS, Process, StubModelServer, finds

# A failure prints what is needed to see it again; time never decides a test.
hypothesis.settings.register_profile(
    "orchestrator",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
    max_examples=60,
)
hypothesis.settings.load_profile("orchestrator")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _no_looking_for_garbage() -> Iterator[None]:
    # Each application would look through all that the tests' process holds: most of a second, a thousand times.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("housing_price_orchestrator.app.rare_garbage_collection", nullcontext)
        yield


@pytest.fixture(scope="session", autouse=True)
def _frequent_writes_of_the_log() -> Iterator[None]:
    # Tests wait until a price is in the log; the usual interval would make each of them half a second longer.
    defaults = SqlPredictionLog.__init__.__kwdefaults__
    assert defaults
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(defaults, "flush_seconds", 0.02)
        yield


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("critical"), cache_logger_on_first_use=False
    )
    yield
    structlog.reset_defaults()


@pytest.fixture
def stub() -> Iterator[StubModelServer]:
    with StubModelServer() as server:
        yield server


@pytest.fixture
def comparables_stub() -> Iterator[StubModelServer]:
    """A comparables server for `start_app(stub.url, comparables={"base_url": comparables_stub.url})`."""
    with StubModelServer(finds()) as server:
        yield server


type StartApp = Callable[..., TestClient]


@pytest.fixture
def start_app() -> Iterator[StartApp]:
    """Starts the shipped application in this process: `start_app(url, requests={...})` gives a client of it."""
    with ExitStack() as stack:

        def start(url: str, **groups: dict[str, Any]) -> TestClient:
            return stack.enter_context(client_of(create_app(settings_for(url, **groups))))

        yield start


@pytest.fixture
def api(stub: StubModelServer, start_app: StartApp) -> TestClient:
    """A client of the shipped application, whose model server is the stub."""
    return start_app(stub.url)


@pytest.fixture(scope="session")
def model_server(champion: Path) -> Iterator[str]:
    """The address of the real model server, with the real model."""
    with Process(
        sys.executable, "-m", "housing_price_model", "serve", "--model", str(champion), "--port", "0"
    ) as process:
        yield process.says(LISTENS)[1]


@pytest.fixture(scope="session")
def comparables_server(champion: Path) -> Iterator[str]:
    """The address of the real model server, with the comparables model that was trained together with the champion."""
    folder = str(champion / "comparables")
    with Process(sys.executable, "-m", "housing_price_model", "serve", "--model", folder, "--port", "0") as process:
        yield process.says(LISTENS)[1]


@pytest.fixture(scope="session")
def uv() -> str:
    """The uv that runs these tests, or one that `make` or the system installed; a shim on the path may not work."""
    candidates = (os.environ.get("UV"), str(REPOSITORY / ".uv" / "bin" / "uv"), shutil.which("uv"))
    for uv in candidates:
        if uv and Path(uv).exists() and subprocess.run([uv, "--version"], check=False).returncode == 0:
            return uv
    pytest.skip("uv was not found")


@pytest.fixture(scope="session")
def mlserver(champion: Path, uv: str) -> Iterator[str]:
    """The address of a real MLServer with the same model, in an environment of its own, which uv makes."""
    project = REPOSITORY / "housing-price-model" / "mlserver"
    command = ("run", "--frozen", "--project", str(project), "housing-price-mlserver", str(champion), "--port", "0")
    # The environment of the workspace is not that of MLServer, which uv may have to make first.
    with Process(uv, *command, VIRTUAL_ENV="") as process:
        yield process.says(LISTENS, seconds=240)[1]
