"""`docs/full-circle.md` on the real stack: serve prices, detect drift, retrain on sales, promote, roll back."""

import csv
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import survey_houses, survey_rows
from housing_price.stack.state import REPOSITORY, State

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.training.train import train

from .lifecycle_store import new_store
from .running import Up, wait_until
from .traffic import Traffic, models

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

START_SECONDS = 120
JOB_SECONDS = 480
DRIFT_ALARM = 3
"""Exit status of `housing-price-model drift` if it raises the alarm."""

LAST_TRAINING_YEAR = 2008

FREQUENT_NEIGHBORHOODS, FREQUENT_COUNT, OTHER_COUNT = {"NridgHt", "Somerst"}, 150, 150
"""A new customer requests prices in two neighbourhoods far more often than the survey contains them."""


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


def houses_of_the_new_customer() -> list[tuple[dict[str, Any], int]]:
    """Return houses that are not in the champion's training data, with their sale prices."""
    unseen = [
        (house, int(row["SalePrice"]))
        for house, row in zip(survey_houses(), survey_rows(), strict=True)
        if int(row["YrSold"]) > LAST_TRAINING_YEAR
    ]
    frequent = [sale for sale in unseen if sale[0]["neighborhood"] in FREQUENT_NEIGHBORHOODS]
    others = [sale for sale in unseen if sale[0]["neighborhood"] not in FREQUENT_NEIGHBORHOODS]
    return frequent[:FREQUENT_COUNT] + others[:: len(others) // OTHER_COUNT][:OTHER_COUNT]


def model_command(up: Up, *command: str) -> subprocess.CompletedProcess[str]:
    ports = json.loads((up.state / "lock").read_text())["ports"]
    variables = os.environ | {
        "PREDICTION_LOG_URL": log_of(up),
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{ports['tracking-server']}",
    }
    return subprocess.run(
        [sys.executable, "-m", "housing_price_model", *command],
        env=variables, capture_output=True, text=True, timeout=START_SECONDS, check=False,
    )  # fmt: skip


def log_of(up: Up) -> str:
    return f"sqlite:///{State(up.state).predictions}"


def wait_for_job(client: httpx.Client, job: str) -> dict[str, Any]:
    def finished_job() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/api/v1/jobs/{job}").json()
        return found if found["state"] in {"succeeded", "failed", "cancelled"} else None

    return wait_until(finished_job, JOB_SECONDS, "the job has finished") or {}


def test_served_prices_and_sales_lead_to_a_better_model_which_can_be_rolled_back(up: Up) -> None:
    sold = houses_of_the_new_customer()
    with httpx.Client(base_url=up.url, timeout=60) as client:
        # Serve and log prices.
        answer = client.post("/api/v1/price/predict/batch", json={"data": [house for house, _ in sold]})
        assert answer.status_code == 200, answer.text
        prices = answer.json()["predictions"]
        assert {price["model"]["version"] for price in prices} == {"1"}
        first = f"/api/v1/predictions/{prices[0]['transactionId']}"
        wait_until(lambda: client.get(first).status_code == 200, 20, "the prices are in the prediction log")

        # Report the actual sale prices.
        actuals = [
            {"transactionId": price["transactionId"], "salePrice": sale, "soldOn": "2026-11-01"}
            for price, (_, sale) in zip(prices, sold, strict=True)
        ]
        reported = client.post("/api/v1/price/actuals", json={"data": actuals})
        assert reported.json()["stored"] == len(sold), reported.text

        # The drift check raises the alarm.
        drift = model_command(up, "drift")
        assert drift.returncode == DRIFT_ALARM, drift.stdout + drift.stderr
        assert "Neighborhood" in drift.stdout

        # Train on the survey and the reported sales; the candidate passes its gate.
        job = client.post("/api/v1/jobs/training", json={"source": "prediction-log"})
        assert job.status_code == 202, job.text
        done = wait_for_job(client, job.json()["id"])
        assert done["state"] == "succeeded", done
        result = client.get(f"/api/v1/jobs/{job.json()['id']}/result").json()
        assert (result["version"], result["isChallenger"]) == ("2", True), result["gate"]

        # Run a shadow and compare its prices with the returned ones.
        assert models(up, "shadow", "2", "--reason", "trained on what we sold", "--watch").returncode == 0
        wait_until(
            lambda: (client.get("/api/v1/models").json()["shadow"] or {}).get("version") == "2",
            10,
            "the shadow is in service",
        )
        houses = [house for house, _ in sold]
        again = client.post("/api/v1/price/predict/batch", json={"data": houses})
        assert {price["model"]["version"] for price in again.json()["predictions"]} == {"1"}

        def compared() -> str:
            shown = models(up, "compare", "2", "--shadow", "--log", log_of(up))
            return shown.stdout if shown.returncode == 0 else ""

        assert wait_until(compared, 30, "the shadow's prices are in the prediction log")

        # Canary, promotion and rollback, without a failed request.
        with Traffic(up.url) as traffic:
            for command in (
                ("canary", "2", "--weight", "0.3"),
                ("promote", "2", "--reason", "better on the new customer's houses"),
                ("rollback", "--reason", "to show that it works"),
            ):
                moved = models(up, *command, "--watch")
                assert moved.returncode == 0, moved.stderr
                wanted = {"canary": {"1", "2"}, "promote": {"2"}, "rollback": {"1"}}[command[0]]

                def has_switched(wanted: set[str] = wanted) -> bool:
                    return {version for _, version in traffic.answers[-25:]} == wanted

                wait_until(has_switched, 20, lambda: str(traffic.versions[-10:]))
        assert set(traffic.statuses) == {200}, traffic.statuses
    shown = models(up, "show", "2").stdout
    for move in ("passed the gate", "trained on what we sold", "better on the new customer's houses", "to show that"):
        assert move in shown
    up.signal(signal.SIGINT)
    assert up.wait(10) == 0
