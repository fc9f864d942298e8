"""The services as real processes on free ports: both model servers, APIs and the scoring worker."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from factories import new_key
from housing_price_orchestrator.shared.access import Scope
from servers import LISTENS, Process

from .running import wait_until

SECONDS = 60


def start_command(stack: ExitStack, package: str, *arguments: str, **variables: str) -> Process:
    """Start a command of a package. The process ends with `stack`."""
    return stack.enter_context(Process(sys.executable, "-m", package, *arguments, **variables))


class ModelServer:
    """A real model server. It can be killed, and then starts again at the same address."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._url = ""

    def __enter__(self) -> Self:
        self._start("0")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.__exit__()

    @property
    def url(self) -> str:
        """The address. The first use waits until the server listens, so that several servers can start side by side."""
        if not self._url:
            self._url = self._process.says(LISTENS)[1]
        return self._url

    def _start(self, port: str) -> None:
        options = ("serve", "--model", str(self._model), "--port", port)
        self._process = Process(sys.executable, "-m", "housing_price_model", *options)

    @contextlib.contextmanager
    def killed(self) -> Iterator[None]:
        """Kill the server with SIGKILL, and start it again at the end."""
        port = self.url.rpartition(":")[2]
        self._process.kill()
        try:
            yield
        finally:
            self._process.__exit__()
            self._start(port)
            self._process.says(LISTENS)


@dataclass(frozen=True)
class Service:
    """One API with its scoring worker."""

    url: str
    comparables: ModelServer

    @contextlib.contextmanager
    def without_comparables(self) -> Iterator[None]:
        """Kill the comparables server; at the end it runs again and the API has noticed."""
        with self.comparables.killed():
            yield
        self.wait_for_comparables()

    def wait_for_comparables(self) -> None:
        """Wait until the API can price and the comparables model answers."""

        def answers() -> bool:
            # A probe that failed may delay the next one.
            answer = httpx.get(f"{self.url}/readyz", trust_env=False)
            return answer.is_success and all(one["isAnswering"] for one in answer.json()["optional"])

        wait_until(answers, SECONDS, "the comparables server does not answer")


@dataclass(frozen=True)
class GuardedService:
    """An API that requires keys, with the same models and the same worker."""

    url: str
    keys: Mapping[str, str]
    """Keys by what they may do: `all`, `predict`, `jobs`."""


def variables_of(folder: Path, price: ModelServer, comparables: ModelServer) -> dict[str, str]:
    """Return the settings of an API, or of its worker, with jobs in `folder` and both models."""
    return {
        "ORCHESTRATOR_MODEL_SERVER__BASE_URL": price.url,
        "ORCHESTRATOR_COMPARABLES__BASE_URL": comparables.url,
        "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
        "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
        # Generous, so that a busy machine does not fail a test.
        "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
        "ORCHESTRATOR_COMPARABLES__DEADLINE_SECONDS": "30",
    }


@contextlib.contextmanager
def running_api(**variables: str) -> Iterator[str]:
    """Run an API with these settings; gives its address."""
    with ExitStack() as stack:
        api = start_command(stack, "housing_price_orchestrator", "serve", "--port", "0", **variables)
        yield api.says(LISTENS)[1]


def new_keys(file: Path, scopes: Mapping[str, Sequence[Scope]]) -> dict[str, str]:
    """Create a key for each set of scopes."""
    return {name: new_key(file, *of_key) for name, of_key in scopes.items()}
