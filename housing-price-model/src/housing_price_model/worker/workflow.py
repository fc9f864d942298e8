"""The workflow `train`: each step of a run is a checkpoint; after a crash only the interrupted step repeats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from dbos import DBOS

from housing_price_model.candidate import steps
from housing_price_model.candidate.parameters import Connections, Parameters
from housing_price_model.candidate.run import Result, Run, Step
from housing_price_model.errors import CandidateError, DataError, HousingPriceModelError, LogError, RegistryError
from housing_price_model.registry.availability import is_temporary_here
from housing_price_model.worker.process import JOB_ID
from housing_price_platform.jobs.cancelled import is_current_job_cancelled
from housing_price_platform.jobs.failure import JobFailed
from housing_price_platform.jobs.temporary import is_temporary, retry_while_temporary

PROGRESS: Final = "progress"

MAX_WAIT_SECONDS: Final = 3600.0
"""Maximum wait of a step for a full disk, a locked database or the registry before the job fails."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_CALLER_ERRORS: Final[dict[type[HousingPriceModelError], str]] = {
    DataError: "data-unusable",
    CandidateError: "invalid-argument",
}
"""Errors that the caller can fix, with their codes; the message is passed on."""
_OPERATOR_ERRORS: Final[dict[type[HousingPriceModelError], tuple[str, str]]] = {
    RegistryError: ("registry-unavailable", "The model registry does not answer, or has no such champion."),
    LogError: ("prediction-log-unreadable", "The prediction log cannot be read, or the worker has none configured."),
}
"""Errors that only the operator can fix, with code and message; the details are in the worker's log."""


@dataclass(frozen=True)
class Training:
    """Runs training jobs."""

    runs: Path
    """The folder with one run folder per job. Workers that resume each other's jobs must share it."""
    connections: Connections
    """Addresses of the tracking server and the prediction log."""
    data_folder: Path | None
    """The only folder from which jobs may read data."""
    steps: Sequence[Step] = steps.STEPS
    """The steps of a job, in order."""

    def train(self, job_id: str, argument: Any) -> dict[str, Any]:
        """Run one job; after a crash it resumes at the interrupted step.

        Raises:
            JobFailed: the job failed; the message is for the caller.
        """
        total = len(self.steps)
        DBOS.run_step({"name": "start"}, self._start, job_id, argument)
        results: dict[str, Result] = {}
        for done, step in enumerate(self.steps):
            DBOS.set_event(PROGRESS, {"stepsDone": done, "stepsTotal": total, "step": step.name})
            results[step.name] = DBOS.run_step({"name": step.name}, self._perform, job_id, step)
        DBOS.set_event(PROGRESS, {"stepsDone": total, "stepsTotal": total, "step": self.steps[-1].name})
        return steps.candidate_of(self.runs / job_id, results).to_json()

    def _start(self, job_id: str, argument: Any) -> None:
        if not JOB_ID.fullmatch(job_id):
            error = CandidateError(
                "invalid job id: use at most 200 letters, digits, dots, colons, underscores, plus signs and dashes"
            )
            raise self._report(job_id, error)
        self._repeat_while_temporary(
            job_id,
            lambda: steps.start(self.runs / job_id, Parameters.from_job(argument, self.data_folder), self.connections),
        )

    def _perform(self, job_id: str, step: Step) -> Result:
        def perform() -> tuple[Result, bool]:
            # The step `start` has stored the parameters.
            run = Run.start(self.runs / job_id, _refuse_new_parameters)
            return run.perform(step, self.connections, lambda _stage, _share: None)

        result, was_done = self._repeat_while_temporary(job_id, perform)
        _log.info("step completed" if was_done else "step was already complete", job_id=job_id, step=step.name)
        return result

    def _repeat_while_temporary[R](self, job_id: str, work: Callable[[], R]) -> R:
        """Do the work of a step; wait while a temporary condition prevents it."""
        try:
            return retry_while_temporary(
                work,
                is_temporary=is_temporary_here,
                report=lambda error, seconds: _log.warning(
                    "step failed, retrying", job_id=job_id, error=str(error), seconds=seconds
                ),
                is_cancelled=is_current_job_cancelled,
                max_seconds=MAX_WAIT_SECONDS,
            )
        except HousingPriceModelError as error:
            raise self._report(job_id, error) from error

    def _report(self, job_id: str, error: HousingPriceModelError) -> JobFailed:
        """Log the full error, and return the part that concerns the caller."""
        # Errors in the caller's data are not errors of this service.
        log = _log.info if isinstance(error, tuple(_CALLER_ERRORS)) else _log.error
        log("job failed", job_id=job_id, error=str(error), kind=type(error).__name__)
        if is_temporary(error):
            message = "A disk, a database or a service that the training needs was unavailable for too long."
            return JobFailed("temporarily-unavailable", message)
        for kind, (code, message) in _OPERATOR_ERRORS.items():
            if isinstance(error, kind):
                return JobFailed(code, message)
        for kind, code in _CALLER_ERRORS.items():
            if isinstance(error, kind):
                return JobFailed(code, self._without_paths(job_id, str(error)))
        return JobFailed("training-failed", "The training failed. See the worker's log for the cause.")

    def _without_paths(self, job_id: str, message: str) -> str:
        """Remove the worker's folders from a message."""
        folders = [self.runs / job_id, self.runs]
        if self.data_folder is not None:
            folders += [self.data_folder.resolve(), self.data_folder]
        for folder in folders:
            message = message.replace(f"{folder}/", "").replace(str(folder), "the worker's folder")
        return message


def _refuse_new_parameters() -> Parameters:
    raise CandidateError("the run folder has no parameters: the worker's folder was emptied or changed")
