"""One path through the real servers: train a small model, serve it, and use every way to price houses."""

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from typing import Any

import httpx
import pytest

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from factories import batch_json, house_json, houses_json, price_in
from housing_price_model.training.train import train
from servers import LISTENS, Process
from waiting import wait_until

from .lifecycle_store import QUICK, every_tenth_house, new_store

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

PRICE = "/api/v1/price/predict"
SECONDS = 60


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the API, with a running model server and scoring worker."""
    folder = tmp_path_factory.mktemp("one-path")
    train(new_store(folder), every_tenth_house(folder / "few.csv"), recipe=QUICK, export_to=folder / "export")
    with ExitStack() as stack:

        def start(package: str, *arguments: str, **variables: str) -> Process:
            return stack.enter_context(Process(sys.executable, "-m", package, *arguments, **variables))

        model_server = start("housing_price_model", "serve", "--model", str(folder / "export"), "--port", "0")
        variables = {
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": model_server.says(LISTENS)[1],
            "ORCHESTRATOR_JOBS__DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
            "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
            # Generous, so that a busy machine does not fail a test.
            "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
        }
        orchestrator = start("housing_price_orchestrator", "serve", "--port", "0", **variables)
        url = orchestrator.says(LISTENS)[1]
        start("housing_price_orchestrator", "worker", **variables)
        yield stack.enter_context(httpx.Client(base_url=url, timeout=SECONDS, trust_env=False))


@pytest.fixture(scope="module")
def prices(api: httpx.Client) -> list[dict[str, Any]]:
    """The responses for three houses that were priced one by one."""
    answers = [api.post(PRICE, json=house) for house in houses_json(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    return [answer.json() for answer in answers]


def test_a_batch_returns_the_prices_of_single_requests_in_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    answer = api.post(f"{PRICE}/batch", json=batch_json(houses_json(3)))
    assert answer.status_code == 200
    assert list(map(price_in, answer.json()["predictions"])) == list(map(price_in, prices))


def test_a_stream_returns_the_prices_of_single_requests_in_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    lines = "".join(json.dumps(house) + "\n" for house in houses_json(3))
    answer = api.post(f"{PRICE}/stream", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200
    streamed = [json.loads(line) for line in answer.text.splitlines()]
    assert [price["predictedPrice"] for price in streamed] == [price["predictedPrice"] for price in prices]


def test_a_job_prices_a_file_and_returns_the_refused_rows_separately(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    rows = [*houses_json(3), house_json(id=4, street="Dummy")]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    answer = api.post("/api/v1/jobs/scoring", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    wait_until(
        lambda: api.get(location).json()["state"] in {"succeeded", "failed"}, "the job did not end", seconds=SECONDS
    )
    assert api.get(location).json()["state"] == "succeeded"
    result = [json.loads(line) for line in api.get(f"{location}/result").text.splitlines()]
    assert [price["predictedPrice"] for price in result] == [price["predictedPrice"] for price in prices]
    refused = api.get(f"{location}/refused")
    assert refused.status_code == 200
    assert "street" in refused.text


def test_a_price_is_in_the_prediction_log_with_the_house_that_was_sent(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    location = f"/api/v1/predictions/{prices[0]['transactionId']}"
    wait_until(lambda: api.get(location).status_code == 200, "the price is not in the log", seconds=SECONDS)
    logged = api.get(location).json()
    assert logged["predictedPrice"] == prices[0]["predictedPrice"]
    assert logged["house"] == houses_json(3)[0]


def test_an_invalid_value_is_refused_and_the_error_names_its_field(api: httpx.Client) -> None:
    answer = api.post(PRICE, json=house_json(street="Dummy"))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "street"]
