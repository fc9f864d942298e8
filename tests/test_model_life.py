"""Model versions on the real stack under traffic: promotion, refusal, canary, restart and rollback."""

import itertools
import json
import signal
import time
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
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
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

START_SECONDS = 240


PATIENT = {
    "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "25",
    "ORCHESTRATOR_COMPARABLES__DEADLINE_SECONDS": "20",
    "ORCHESTRATOR_CIRCUIT__SLOW_CALL_SECONDS": "20",
}
"""A busy machine must not cost a valuation its comparables."""


def start(state: Path, **variables: str) -> Up:
    up = Up(state, folder=REPOSITORY, environment={"HOUSING_PRICE_DRAIN_SECONDS": "2", **variables})
    try:
        up.wait_until_up(START_SECONDS)
    except BaseException:
        up.end()
        raise
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


class Valuations(Traffic):
    """Requests valuations, and keeps the versions of their comparables."""

    path = "/api/v1/valuation"
    query = {"include": "comparables"}  # noqa: RUF012 - never changed

    def _version_of(self, answer: httpx.Response) -> str:
        """Return the version of the comparables model that a valuation names, or what is wrong."""
        document = answer.json()
        found = document.get("comparables")
        return str(found["model"]["version"]) if found else f"none: {document.get('problems', document)}"


def comparables_version(up: Up) -> str | None:
    found = httpx.get(f"{up.url}/api/v1/models", timeout=30).json()["comparables"]["version"]
    return None if found is None else str(found)


@pytest.fixture
def patient(state: Path) -> Iterator[Up]:
    up = start(state, **PATIENT)
    try:
        yield up
    finally:
        up.end()


def test_the_comparables_model_is_promoted_and_rolled_back_and_every_valuation_has_comparables(patient: Up) -> None:
    up = patient
    wait_until(lambda: comparables_version(up) == "1", 30, "version 1 is not in service")
    with Valuations(up.url) as valuations:
        wait_until(lambda: len(valuations.answers) > 3, 30, "no valuations")
        promoted = models(up, "promote", "2", "--model", "comparables", "--watch")
        outcome = "Version 2 of the comparables model is now champion; the previous champion was version 1."
        assert (promoted.returncode, promoted.stdout.splitlines()[-1]) == (0, outcome), promoted.stderr
        wait_until(lambda: valuations.answers[-1][1] == "2", 30, lambda: str(valuations.answers[-1]))
        refused = models(up, "promote", "3", "--model", "comparables", "--watch")
        assert refused.returncode == 1
        assert "golden-answers-differ" in refused.stderr
        back = models(up, "rollback", "--model", "comparables", "--watch")  # the version in service
        assert back.returncode == 0, back.stderr
        wait_until(lambda: valuations.answers[-1][1] == "1", 30, lambda: str(valuations.answers[-1]))
    assert {status for status, _ in valuations.answers} == {200}
    versions = [version for version, _ in itertools.groupby(version for _, version in valuations.answers)]
    assert versions == ["1", "2", "1"]
    listed = models(up, "list", "--model", "comparables").stdout
    assert [line.split("\t")[1] for line in listed.splitlines()[1:]] == ["registered", "archived", "champion"], listed
    # The price model was not touched.
    assert roles(up)["champion"] == CHAMPION


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
