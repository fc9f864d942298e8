"""The reports of jobs are what the OpenAPI document says."""

import json
import re
import warnings
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.candidate.gate import Verdict
from housing_price_model.candidate.steps import Candidate
from housing_price_orchestrator.shared.view.job_report import MoveReport, Report, TrainingReport

ROOT = Path(__file__).resolve().parents[1]
CHECK = asdict(Verdict("RMSLE", passed=True, value=0.12, limit=0.2, says="0.1200 <= 0.2000"))


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate("2", passed=True, gate=[CHECK], metrics={"rmsle": 0.12}, folder=ROOT),
        Candidate(None, passed=False, gate=[CHECK | {"passed": False}], metrics={"rmsle": 0.12}, folder=ROOT),
        Candidate(None, passed=True, gate=[], metrics={}, folder=ROOT, same_as="1"),
    ],
    ids=["registered", "not good enough", "not new"],
)
def test_the_result_of_a_training_is_a_training_report(candidate: Candidate) -> None:
    document = candidate.to_json()
    report = TrainingReport.model_validate(document)
    assert not report.model_extra
    assert report.model_dump() == document


def test_the_documented_result_of_a_move_is_a_move_report() -> None:
    (text,) = re.findall(r'`(\{"model": "price".*?\})`', (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8"))
    report: Report = MoveReport.model_validate_json(text)
    assert not report.model_extra
    assert report.model_dump(mode="json") == json.loads(text)
