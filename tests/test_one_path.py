"""One path through the real servers: a small model is trained and served, and prices houses in every way there is."""

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
    """A client of the API, behind which a model server and a scoring worker run."""
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
            # A busy machine may be slow; time decides no test.
            "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
        }
        orchestrator = start("housing_price_orchestrator", "serve", "--port", "0", **variables)
        url = orchestrator.says(LISTENS)[1]
        start("housing_price_orchestrator", "worker", **variables)
        yield stack.enter_context(httpx.Client(base_url=url, timeout=SECONDS, trust_env=False))


@pytest.fixture(scope="module")
def prices(api: httpx.Client) -> list[dict[str, Any]]:
    """The answers for three houses, each of which was priced alone."""
    answers = [api.post(PRICE, json=house) for house in houses_json(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    return [answer.json() for answer in answers]


def test_a_batch_has_the_prices_of_the_houses_alone_in_their_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    answer = api.post(f"{PRICE}/batch", json=batch_json(houses_json(3)))
    assert answer.status_code == 200
    assert [price_in(one) for one in answer.json()["predictions"]] == [price_in(one) for one in prices]


def test_a_stream_has_the_prices_of_the_houses_alone_in_their_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    lines = "".join(json.dumps(house) + "\n" for house in houses_json(3))
    answer = api.post(f"{PRICE}/stream", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200
    streamed = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["predictedPrice"] for one in streamed] == [one["predictedPrice"] for one in prices]


def test_a_job_prices_a_file_and_keeps_the_refused_rows_apart(api: httpx.Client, prices: list[dict[str, Any]]) -> None:
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
    assert [one["predictedPrice"] for one in result] == [one["predictedPrice"] for one in prices]
    refused = api.get(f"{location}/refused")
    assert refused.status_code == 200
    assert "street" in refused.text


def test_an_answer_is_found_in_the_log_with_the_house_that_was_sent(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    location = f"/api/v1/predictions/{prices[0]['transactionId']}"
    wait_until(lambda: api.get(location).status_code == 200, "the price is not in the log", seconds=SECONDS)
    logged = api.get(location).json()
    assert logged["predictedPrice"] == prices[0]["predictedPrice"]
    assert logged["house"] == houses_json(3)[0]


def test_a_wrong_value_is_refused_and_the_error_names_its_field(api: httpx.Client) -> None:
    answer = api.post(PRICE, json=house_json(street="Dummy"))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "street"]
