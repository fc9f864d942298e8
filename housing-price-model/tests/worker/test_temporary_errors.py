"""Temporary conditions do not fail a training or a move; errors of callers and permanent ones do at once."""

import errno
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from requests.exceptions import ConnectionError as RequestsConnectionError

from housing_price_model.candidate.parameters import Connections
from housing_price_model.errors import ArtefactError, CandidateError, DataError, MoveError, OutputError, RegistryError
from housing_price_model.lifecycle import workflow as lifecycle
from housing_price_model.registry.availability import is_temporary_here
from housing_price_model.worker import workflow
from housing_price_model.worker.workflow import Training
from housing_price_platform.jobs.failure import JobFailed

FULL = OSError(errno.ENOSPC, "No space left on device", "/runs/job-1/data.csv")


def caused[E: Exception](error: E, cause: Exception) -> E:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (FULL, True),
        (caused(CandidateError("cannot be used as a run folder"), FULL), True),
        (caused(OutputError("cannot write the file"), FULL), True),
        (caused(RegistryError("no answer"), MlflowException("away", INTERNAL_ERROR)), True),
        (caused(RegistryError("no answer"), RequestsConnectionError("refused")), True),
        (caused(RegistryError("no such version"), MlflowException("none", RESOURCE_DOES_NOT_EXIST)), False),
        (caused(RegistryError("no such alias"), MlflowException("none", INVALID_PARAMETER_VALUE)), False),
        (RegistryError("the registry has no champion"), False),
        (DataError("line 3: price missing"), False),
        (CandidateError("seed: too large"), False),
    ],
)
def test_conditions_that_pass_are_told_from_others(error: Exception, *, passes: bool) -> None:
    assert is_temporary_here(error) is passes


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (caused(MoveError("model-refused", "files differ"), caused(ArtefactError("no space"), FULL)), True),
        (MoveError("model-refused", "files differ"), False),
        (caused(MoveError("model-server-not-ready", "no answer"), ConnectionRefusedError()), False),
        (MoveError("transition-illegal", "already champion"), False),
    ],
)
def test_a_refused_move_is_not_repeated(error: Exception, *, passes: bool) -> None:
    assert lifecycle._is_temporary(error) is passes


def training(tmp_path: Path) -> Training:
    return Training(tmp_path / "runs", Connections("sqlite://"), tmp_path / "data")


def test_a_step_waits_for_space_and_then_goes_on(tmp_path: Path) -> None:
    outcomes: list[Exception | int] = [caused(CandidateError("cannot be used"), FULL), FULL, 7]

    def work() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert training(tmp_path)._repeat_while_temporary("job-1", work) == 7


def test_a_condition_that_lasts_too_long_is_not_blamed_on_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "MAX_WAIT_SECONDS", 0.0)

    def work() -> int:
        raise caused(CandidateError(f"{tmp_path}/runs/job-1: cannot be used as a run folder ({FULL})"), FULL)

    with pytest.raises(JobFailed) as failed:
        training(tmp_path)._repeat_while_temporary("job-1", work)
    assert failed.value.code == "temporarily-unavailable"
    assert str(tmp_path) not in str(failed.value)


def test_messages_for_callers_hold_no_path_of_the_worker(tmp_path: Path) -> None:
    def work() -> int:
        raise DataError(f"{tmp_path}/data/sales.csv: line 3: price missing ({tmp_path}/runs/job-1/houses.csv)")

    with pytest.raises(JobFailed) as failed:
        training(tmp_path)._repeat_while_temporary("job-1", work)
    assert (failed.value.code, str(failed.value)) == (
        "data-unusable",
        "sales.csv: line 3: price missing (houses.csv)",
    )
