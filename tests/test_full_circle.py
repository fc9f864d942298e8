"""`docs/full-circle.md` on the real stack: serve prices, detect drift, retrain on sales, promote, roll back."""

import csv
import json
import signal
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from factories import survey_rows
from housing_price.stack.state import REPOSITORY, State

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.training.train import train
from housing_price_orchestrator.shared.view.job_report import MoveReport, Report, TrainingReport

from .documents import commands, stack_reader
from .lifecycle_store import new_store
from .running import Up, wait_until
from .traffic import Traffic, models

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

START_SECONDS = 120
JOB_SECONDS = 1_200
DRIFT_ALARM = 3
"""Exit status of `housing-price-model drift` if it raises the alarm."""

LAST_TRAINING_YEAR = 2008

FREQUENT_NEIGHBORHOODS, FREQUENT_COUNT, OTHER_COUNT = {"NridgHt", "Somerst"}, 150, 150
"""A new customer requests prices in two neighbourhoods far more often than the survey contains them."""


def check_reports(client: httpx.Client) -> None:
    """The result of each finished job is what the OpenAPI document says."""
    kinds: dict[str, type[Report]] = {"training": TrainingReport, "lifecycle": MoveReport}
    jobs = [job for job in client.get("/api/v1/jobs").json()["jobs"] if job["state"] == "succeeded"]
    assert {job["type"] for job in jobs} >= kinds.keys()
    for job in jobs:
        if kind := kinds.get(job["type"]):
            report = kind.model_validate_json(client.get(f"/api/v1/jobs/{job['id']}/result").content)
            assert not report.model_extra, job


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A stack whose champion was trained at full quality on the sales until 2008."""
    state = State(tmp_path / "state")
    state.folder.mkdir()
    train(new_store(state.folder), survey_until(LAST_TRAINING_YEAR, tmp_path / "until.csv"))
    up = Up(state.folder, folder=REPOSITORY, environment={"HOUSING_PRICE_DRAIN_SECONDS": "2"})
    try:
        up.wait_until_up(START_SECONDS)
        up.wait_for("candidates: ready", START_SECONDS)
        yield up
    finally:
        up.end()


def survey_until(year: int, path: Path) -> Path:
    """Write the survey's sales until the end of a year to a CSV file."""
    rows = [row for row in survey_rows() if int(row["YrSold"]) <= year]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def log_of(up: Up) -> str:
    return f"sqlite:///{State(up.state).predictions}"


def test_served_prices_and_sales_lead_to_a_better_model_which_can_be_rolled_back(up: Up, tmp_path: Path) -> None:
    page = iter(commands("docs/full-circle.md"))
    with stack_reader(up, tmp_path) as reader, httpx.Client(base_url=up.url, timeout=60) as client:

        def follow(count: int) -> str:
            """Run the next commands of the page; returns the output of the last one."""
            return [reader.run(next(page), seconds=JOB_SECONDS) for _ in range(count)][-1]

        def priced_versions() -> set[str]:
            prices = json.loads((tmp_path / "prices.json").read_bytes())["predictions"]
            logged = f"/api/v1/predictions/{prices[-1]['transactionId']}"
            wait_until(lambda: client.get(logged).status_code == 200, 20, "the prices are in the prediction log")
            return {price["model"]["version"] for price in prices}

        # Make the houses, serve and log their prices, report the actual sale prices.
        follow(3)
        assert priced_versions() == {"1"}
        follow(2)

        # The drift check raises the alarm.
        drift = follow(2)
        assert "Neighborhood" in drift
        assert f"exit status {DRIFT_ALARM}" in drift

        # Train on the survey and the reported sales; the candidate passes its gate.
        result = json.loads(follow(3))
        assert (result["version"], result["isChallenger"]) == ("2", True), result["gate"]

        # Run a shadow and compare its prices with the returned ones.
        follow(1)
        wait_until(
            lambda: (client.get("/api/v1/models").json()["shadow"] or {}).get("version") == "2",
            10,
            "the shadow is in service",
        )
        follow(1)
        assert priced_versions() == {"1"}
        compare = ("compare", "2", "--shadow", "--log", log_of(up))
        wait_until(lambda: models(up, *compare).returncode == 0, 30, "the shadow's prices are in the prediction log")
        follow(2)

        # Canary, promotion and rollback, without a failed request.
        with Traffic(up.url) as traffic:
            for count, wanted in ((1, {"1", "2"}), (2, {"2"}), (1, {"1"})):
                follow(count)

                def has_switched(wanted: set[str] = wanted) -> bool:
                    return {version for _, version in traffic.answers[-25:]} == wanted

                wait_until(has_switched, 20, lambda: str(traffic.versions[-10:]))
        assert set(traffic.statuses) == {200}, traffic.statuses
        shown = follow(1)
        assert next(page, None) is None
        check_reports(client)
    for move in ("passed the gate", "trained on what we sold", "better on the new customer's houses", "to show that"):
        assert move in shown
    up.signal(signal.SIGINT)
    assert up.wait(10) == 0
