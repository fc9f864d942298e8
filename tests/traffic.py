"""Clients of a running stack: continuous requests, and the command `housing-price models`."""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping

import httpx
from benchmarks.repeating_thread import RepeatingThread

from housing_price.stack.api_checks import PREDICT_PATH
from housing_price.stack.state import EXAMPLE

from .running import Up

PAUSE_SECONDS = 0.03
COMMAND_SECONDS = 120


class Traffic(RepeatingThread):
    """A client that requests prices continuously in a thread during a test, and keeps status and version."""

    path = PREDICT_PATH
    query: Mapping[str, str] = {}
    first_id = 1
    """The id of the first house; that of each further one is higher by 1."""

    def __init__(self, url: str) -> None:
        super().__init__(PAUSE_SECONDS)
        self.answers: list[tuple[int, str]] = []
        self._url = f"{url}{self.path}"
        self._house = json.loads(EXAMPLE.read_bytes())
        self._client = httpx.Client(timeout=30)

    def stop(self) -> None:
        super().stop()
        self._client.close()

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for status, _ in self.answers)

    @property
    def versions(self) -> list[str]:
        """The versions in the order of their responses, with consecutive duplicates removed."""
        return [version for version, _ in itertools.groupby(version for _, version in self.answers)]

    def step(self) -> None:
        house = self._house | {"id": self.first_id + len(self.answers)}
        answer = self._client.post(self._url, params=self.query, json=house)
        self.answers.append((answer.status_code, self._version_of(answer)))

    def _version_of(self, answer: httpx.Response) -> str:
        return str(answer.json()["model"]["version"]) if answer.is_success else answer.text


def models(up: Up, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `housing-price models ...` as a user would."""
    ports = json.loads((up.state / "lock").read_text())["ports"]
    variables = os.environ | {
        "HOUSING_PRICE_API_URL": up.url,
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{ports['tracking-server']}",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "housing_price", "models", *command],
        env=variables, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip
