"""The shipped program in front of the real model server, each in a process of its own."""

import json
from pathlib import Path

import httpx
import pytest

from factories import EXAMPLES, batch_json, price_in, survey_houses

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"


def test_the_example_is_priced_near_what_it_sold_for(http: httpx.Client) -> None:
    answer = http.post(PREDICT, content=(EXAMPLES / "request-1461.json").read_bytes())
    assert answer.status_code == 200
    priced = answer.json()
    assert priced["id"] == 1461
    assert priced["predictedPrice"] == pytest.approx(105_000, abs=20_000)
    interval = priced["priceInterval"]
    assert interval["low"] < priced["predictedPrice"] < interval["high"]
    assert interval["level"] == 0.9


def test_the_answer_names_the_model_as_its_export_does(http: httpx.Client, champion: Path, kind: str) -> None:
    manifest = json.loads((champion / "manifest.json").read_bytes())
    answer = http.post(PREDICT, content=(EXAMPLES / "request-1461.json").read_bytes())
    assert answer.json()["model"] == {
        "name": manifest["name"],
        # MLServer does not say which version it serves.
        "version": str(manifest["version"]) if kind == "model_server" else manifest["model_id"],
        "id": manifest["model_id"],
    }


def test_every_house_of_the_survey_is_priced_in_order(http: httpx.Client) -> None:
    houses = survey_houses()
    answer = http.post(BATCH, json=batch_json(houses))
    assert answer.status_code == 200
    predictions = answer.json()["predictions"]
    assert len(predictions) == len(houses) == 2_930
    assert [one["id"] for one in predictions] == [house["id"] for house in houses]


def test_a_house_alone_costs_what_it_costs_in_a_batch_bit_for_bit(http: httpx.Client) -> None:
    houses = survey_houses()[::25]
    together = http.post(BATCH, json=batch_json(houses)).json()["predictions"]
    backwards = http.post(BATCH, json=batch_json(houses[::-1])).json()["predictions"]
    alone = [http.post(PREDICT, json=house).json() for house in houses]
    alone, together, backwards = ([price_in(one) for one in answers] for answers in (alone, together, backwards))
    assert alone == together == backwards[::-1]


def test_it_is_ready_and_names_its_model(http: httpx.Client) -> None:
    answer = http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["model"] == http.post(PREDICT, json=survey_houses()[0]).json()["model"]


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_watchers_may_ask_for_the_head_only(http: httpx.Client, path: str) -> None:
    answer = http.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


def test_the_first_page_links_to_the_others(http: httpx.Client) -> None:
    about = http.get("/").json()
    assert about["name"] == "housing-price-orchestrator"
    for name in ("docs", "reference", "openapi", "live", "ready"):
        assert http.get(about["links"][name]).status_code == 200
    for name in ("predict", "predictBatch"):
        assert http.get(about["links"][name]).status_code == 405
