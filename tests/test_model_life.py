"""Model versions on the real stack under traffic: promotion, refusal, canary, restart and rollback."""

import json
import signal
import time
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from housing_price.stack.state import REPOSITORY, State

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from .lifecycle_store import CHAMPION, OTHERWISE, SECOND, THIRD, every_tenth_house, fill
from .running import Up, wait_until
from .traffic import Traffic, models

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.stack,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

START_SECONDS = 120


def start(state: Path) -> Up:
    up = Up(state, folder=REPOSITORY, environment={"HOUSING_PRICE_DRAIN_SECONDS": "2"})
    up.wait_until_up(START_SECONDS)
    return up


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose registry contains quickly trained versions."""
    folder = tmp_path_factory.mktemp("life")
    fill(folder / "state", every_tenth_house(folder / "few.csv"))
    return folder / "state"


@pytest.fixture
def up(state: Path) -> Iterator[Up]:
    up = start(state)
    try:
        yield up
    finally:
        up.end()


def roles(up: Up) -> dict[str, Any]:
    routes = json.loads((State(up.state).serving.folder / "routes.json").read_text())
    return {part: routes[part] and routes[part]["version"] for part in ("champion", "canary", "shadow")}


def test_promotion_canary_restart_and_rollback_under_traffic_fail_no_request(up: Up, state: Path) -> None:
    with Traffic(up.url) as traffic:
        promoted = models(up, "promote", SECOND, "--reason", "it is better", "--watch")
        outcome = ["succeeded", f"Version {SECOND} is now champion; the previous champion was version {CHAMPION}."]
        assert (promoted.returncode, promoted.stdout.splitlines()[1:]) == (0, outcome), promoted.stderr
        wait_until(lambda: traffic.versions[-1] == SECOND, 10, lambda: str(traffic.versions))
        refused = models(up, "promote", OTHERWISE, "--watch")
        assert refused.returncode == 1
        assert "golden-answers-differ" in refused.stderr
        # Moves that the worker would refuse make no job.
        for version, reason in (("99", "404: Unknown version"), (SECOND, "409: Move not possible"), ("007", "version")):
            illegal = models(up, "promote", version)
            assert (illegal.returncode, illegal.stdout) == (1, ""), illegal.stdout
            assert reason in illegal.stderr
        canary = models(up, "canary", THIRD, "--weight", "0.5", "--watch")
        assert canary.returncode == 0, canary.stderr
        wait_until(lambda: THIRD in traffic.versions, 10, lambda: str(traffic.versions))
    assert set(traffic.statuses) == {200}, traffic.statuses
    assert traffic.versions[:2] == [CHAMPION, SECOND]
    assert set(traffic.versions) == {CHAMPION, SECOND, THIRD}
    assert roles(up) == {"champion": SECOND, "canary": THIRD, "shadow": None}
    shown = models(up, "show", SECOND)
    assert "it is better" in shown.stdout, shown.stderr

    up.signal(signal.SIGINT)
    assert up.wait(10) == 0
    again = start(state)
    try:
        again.wait_for("lifecycle: ready", START_SECONDS)
        assert roles(again) == {"champion": SECOND, "canary": THIRD, "shadow": None}
        with Traffic(again.url) as traffic:
            wait_until(lambda: set(traffic.versions) == {SECOND, THIRD}, 20, lambda: str(traffic.versions))
            back = models(again, "rollback", "--reason", "it was not better", "--watch")
            assert back.returncode == 0, back.stderr
            aborted = models(again, "abort", THIRD, "--watch")
            assert aborted.returncode == 0, aborted.stderr
            time.sleep(1)  # orchestrators read the routes twice a second; only later requests are checked
            seen = len(traffic.answers)
            wait_until(lambda: len(traffic.answers) > seen + 20, 20, "the traffic goes on")
        assert set(traffic.statuses) == {200}, traffic.statuses
        assert {version for _, version in traffic.answers[seen:]} == {CHAMPION}
        listed = models(again, "list").stdout
        assert [line.split("\t")[1] for line in listed.splitlines()[1:]] == [
            "registered", "registered", "challenger", "archived", "champion",
        ], listed  # fmt: skip
        again.signal(signal.SIGINT)
        assert again.wait(10) == 0
    finally:
        again.end()
