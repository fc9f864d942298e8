"""The benchmark harness detects wrong answers, and the page shows the measured figures."""

import json
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from benchmarks import job_files, load, plots, report, targets
from benchmarks.clients.checker import Checker
from benchmarks.clients.verdicts import PRICE_ALONE, RIGHT, WRONG, ValuationJudge
from benchmarks.houses import documents
from benchmarks.medians import Medians
from benchmarks.paths import README, RESULTS
from benchmarks.scenarios import FULL, over_stub, with_model

from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.worker.priced_rows import PricedRow
from housing_price_orchestrator.worker.write_results import result_format
from housing_price_survey.tabular.tables import open_table

IDS, PRICES = [7, 8, 9], [[1.5, 1.0, 2.0], [2.5, 2.0, 3.0], [3.5, 3.0, 4.0]]


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    """A checker that knows three houses; each request contains two of them."""
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps({"ids": IDS, "prices": PRICES}))
    return Checker(expected, rows=2)


def public(place: int) -> dict[str, Any]:
    price, low, high = PRICES[place]
    return {"id": IDS[place], "predictedPrice": price, "priceInterval": {"low": low, "high": high}}


def of_a_model_server(place: int) -> dict[str, Any]:
    return dict(zip(("price", "low", "high"), PRICES[place], strict=True))


@pytest.mark.parametrize("answer", [public, of_a_model_server])
def test_correct_answers_are_accepted(checker: Checker, answer: Any) -> None:
    checker.check(0, 200, json.dumps({"predictions": [answer(0), answer(1)]}).encode())
    checker.check(1, 200, json.dumps({"predictions": [answer(2), answer(0)]}).encode())
    assert (checker.checked, checker.errors, checker.wrong) == (2, 0, 0)


@pytest.mark.parametrize(
    "answers",
    [
        [public(1), public(0)],
        [public(0)],
        [public(0), public(1), public(2)],
        [public(0), public(1) | {"predictedPrice": 2.5000000000000004}],
        [public(0), public(1) | {"id": 7}],
        [public(0), {key: value for key, value in public(1).items() if key != "id"}],
        [public(0), {}],
        [of_a_model_server(0), of_a_model_server(0)],
        "text",
    ],
    ids=str,
)
def test_every_other_answer_is_counted_as_wrong(checker: Checker, answers: Any) -> None:
    checker.check(0, 200, json.dumps({"predictions": answers}).encode())
    assert checker.wrong == 1
    assert checker.first_problem


def test_an_error_status_is_an_error_even_with_correct_prices(checker: Checker) -> None:
    checker.check(0, 503, json.dumps({"predictions": [public(0), public(1)]}).encode())
    assert (checker.errors, checker.wrong) == (1, 0)


def test_a_failing_background_client_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> load.Figures:
        raise load.WrongAnswer("the client ended with 1")

    monkeypatch.setattr(load, "_client", fail)
    with pytest.raises(load.WrongAnswer, match="ended with 1"), load.concurrent_batches(None, rows=10, seconds=1):  # type: ignore[arg-type]  # nothing is called
        pass


def test_the_page_contains_the_tables_of_the_last_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(README.read_text())
    monkeypatch.setattr(report, "README", page)
    monkeypatch.setattr(plots, "draw", lambda *_: None)
    report.write()
    assert page.read_text() == README.read_text()


def test_the_last_run_measured_every_target_without_problems() -> None:
    results = json.loads((RESULTS / "bench.json").read_bytes())
    assert results["problems"] == []
    assert [row.figure for row in targets.rows(Medians(results)) if row.is_reached is None] == []


def test_the_last_run_contains_exactly_the_current_scenarios() -> None:
    samples = json.loads((RESULTS / "bench.json").read_bytes())["samples"]
    measured = {(sample["scenario"], sample["contender"], sample["x"]) for sample in samples}
    wanted = {
        (scenario.name, name, scenario.level)
        for stage in (over_stub(FULL), with_model(FULL))
        for scenario in stage.scenarios
        for name in scenario.contender_names
    }
    assert measured == wanted


def valuation(place: int, **changes: Any) -> dict[str, Any]:
    price = public(place) | {"transactionId": str(place), "model": {"id": "m"}}
    value = {"amount": 9.5, "interval": {"low": 9, "high": 10}, "method": "priceAndComparables", "confidence": "high"}
    sales = {"estimate": 9.0, "sales": [{"id": 1}]}
    parts: dict[str, Any] = {"value": value, "price": price, "comparables": sales, "explanation": None, "problems": []}
    return {"id": IDS[place], "transactionId": str(place)} | parts | changes


def price_alone(place: int, **changes: Any) -> dict[str, Any]:
    price = public(place)
    value = {"amount": price["predictedPrice"], "interval": price["priceInterval"], "method": "price"}
    missing = {"comparables": None, "problems": [{"part": "comparables", "status": 503, "retryAfter": 1}]}
    return valuation(place, value=value, **missing) | changes


@pytest.fixture
def valuation_judge(tmp_path: Path) -> ValuationJudge:
    reference = tmp_path / "valuations.json"
    reference.write_text(json.dumps({"valuations": [valuation(place) for place in range(len(IDS))]}))
    return ValuationJudge(reference)


def test_valuations_are_compared_with_those_before_the_fault(valuation_judge: ValuationJudge) -> None:
    again = valuation(1, transactionId="another")
    again["price"] |= {"transactionId": "another"}
    assert valuation_judge.judge(4, json.dumps(again).encode()) == (RIGHT, "m")
    assert valuation_judge.judge(4, json.dumps(price_alone(1)).encode()) == (PRICE_ALONE, "m")
    assert valuation_judge.first_wrong is None


@pytest.mark.parametrize(
    "answer",
    [
        valuation(2),
        valuation(1, comparables={"estimate": 9.0, "sales": [{"id": 2}]}),
        valuation(1, comparables=None),
        price_alone(2),
        price_alone(1, problems=[]),
        price_alone(1, problems=[{"part": "explanation"}]),
        price_alone(1, value=valuation(1)["value"]),
        price_alone(1, comparables={"estimate": 9.0, "sales": []}),
        public(1),
        {},
        [],
    ],
    ids=str,
)
def test_every_other_valuation_is_wrong(valuation_judge: ValuationJudge, answer: Any) -> None:
    verdict, _ = valuation_judge.judge(1, json.dumps(answer).encode())
    assert verdict == WRONG
    assert valuation_judge.first_wrong


def test_the_price_of_a_valuation_is_checked_and_no_part_may_be_missing(checker: Checker) -> None:
    checker.check(0, 200, json.dumps({"valuations": [valuation(0), valuation(1)]}).encode())
    assert (checker.errors, checker.wrong) == (0, 0)
    checker.check(0, 200, json.dumps({"valuations": [valuation(0), price_alone(1)]}).encode())
    checker.check(0, 200, json.dumps({"valuations": [valuation(1), valuation(0)]}).encode())
    assert checker.wrong == 2


@pytest.fixture(scope="module")
def explanation() -> Any:
    with warnings.catch_warnings():
        # MLflow warns about its own type hints when it is imported; later warnings are errors.
        warnings.simplefilter("ignore")
        return import_module("benchmarks.explanation")


def test_explanations_are_close_to_exact_shapley_values(explanation: Any, champion: Path) -> None:
    for deviations in explanation.measure(champion, count=20, seed=1):
        assert deviations.share_within >= 0.95, deviations.as_row()
    table = explanation.as_table(explanation.measure(champion, count=1, seed=0))
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == ["a comparable sale", "the typical house"]


def test_the_page_about_explanations_shows_what_was_measured(explanation: Any) -> None:
    _, rows = explanation.PAGE.read_text(encoding="utf-8").split("<!-- begin: deviation -->")
    assert "| a comparable sale | 1,200 |" in rows
    assert "| the typical house | 200 |" in rows


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "parquet"])
def test_files_of_jobs_hold_the_houses_in_turns(
    file_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_files, "STATE", tmp_path)
    path = job_files.input_file(file_format, 3_000)
    with open_table(path) as table:
        found = [record.values or {} for record in table.records()]
    assert [one["id"] for one in found] == list(range(1, 3_001))
    assert found[2_930] == found[0] | {"id": 2_931}
    assert found[1] == documents()[1] | {"id": 2}


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "parquet"])
def test_rows_of_a_job_that_are_missing_or_wrong_are_counted(file_format: str, tmp_path: Path) -> None:
    expected, result = tmp_path / "expected.json", tmp_path / "result"
    expected.write_text(json.dumps({"ids": IDS, "prices": PRICES}))
    model = ModelIdentity("house-price", "1", "m-1")
    right = [PricedRow(n, n, PriceEstimate(PRICES[(n - 1) % 3][0], 1.0, 4.0, model)) for n in range(1, 6)]
    writer = result_format(file_format)

    def wrong(rows: list[PricedRow]) -> int:
        part = tmp_path / "part"
        part.write_bytes(writer.write(rows))
        with result.open("wb") as file:
            writer.join([part], file)
        return job_files.count_wrong(result, file_format, 5, expected)

    assert wrong(right) == 0
    assert wrong(right[:4]) == 1
    assert wrong([*right[:3], right[4], right[3]]) == 2
    assert wrong([*right[:4], right[4]._replace(estimate=right[3].estimate)]) == 1
    assert wrong([*right[:4], right[4]._replace(house_id=4)]) == 1
