"""The workflow `train`: each step of a candidate's run is a checkpoint; a crash repeats only the step it hit."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dbos import DBOS
from dbos._serialization import PortableWorkflowError

from housing_price_model.candidate import steps
from housing_price_model.candidate.parameters import Parameters, Surroundings
from housing_price_model.candidate.run import Result, Run, Step
from housing_price_model.errors import CandidateError, DataError, HousingPriceModelError, LogError, RegistryError

PROGRESS: Final = "progress"

JOB_ID: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._:+-]{0,199}")
"""It becomes the name of a folder."""

_log = logging.getLogger("housing_price_model.worker")

_CODES: Final[dict[type[HousingPriceModelError], str]] = {
    DataError: "data-unusable",
    CandidateError: "invalid-argument",
}
"""What the caller can do something about; the message says what."""
_OURS: Final[dict[type[HousingPriceModelError], tuple[str, str]]] = {
    RegistryError: ("registry-unavailable", "The model registry does not answer, or does not know the champion."),
    LogError: ("prediction-log-unreadable", "The prediction log cannot be read, or none was given to the worker."),
}
"""What only the operator can do something about; the worker's log says what."""


@dataclass(frozen=True)
class Training:
    """Does training jobs.

    Attributes:
        runs: Where each job has the folder of its run. Another worker that is to go on with a job needs the same one.
        surroundings: Where tracking server and prediction log are.
        data_folder: The only folder from which jobs may read data.
        steps: What is done, in this order.
    """

    runs: Path
    surroundings: Surroundings
    data_folder: Path | None
    steps: Sequence[Step] = steps.STEPS

    def train(self, job_id: str, asked: Any) -> dict[str, Any]:
        """Do one job; called again after a crash, it goes on where it was.

        Raises:
            PortableWorkflowError: the job failed; the message is for the caller.
        """
        total = len(self.steps)
        DBOS.run_step({"name": "start"}, self._start, job_id, asked)
        results: dict[str, Result] = {}
        for done, step in enumerate(self.steps):
            DBOS.set_event(PROGRESS, {"stepsDone": done, "stepsTotal": total, "step": step.name})
            results[step.name] = DBOS.run_step({"name": step.name}, self._perform, job_id, step)
        DBOS.set_event(PROGRESS, {"stepsDone": total, "stepsTotal": total, "step": self.steps[-1].name})
        return steps.candidate_of(self.runs / job_id, results).to_json()

    def _start(self, job_id: str, asked: Any) -> None:
        try:
            if not JOB_ID.fullmatch(job_id):
                raise CandidateError("the id of the job should be of letters, digits, dots, colons, plus and dashes")
            steps.start(self.runs / job_id, Parameters.from_job(asked, self.data_folder), self.surroundings)
        except HousingPriceModelError as exc:
            raise self._told(job_id, exc) from exc

    def _perform(self, job_id: str, step: Step) -> Result:
        try:
            # The parameters are there: the first step stored them.
            run = Run.start(self.runs / job_id, _missing)
            result, was_done = run.perform(step, self.surroundings, lambda _stage, _share: None)
        except HousingPriceModelError as exc:
            raise self._told(job_id, exc) from exc
        _log.warning("%s: %s %s", job_id, step.name, "done" if was_done else "was done before")
        return result

    def _told(self, job_id: str, exc: HousingPriceModelError) -> PortableWorkflowError:
        """Say what went wrong: to the log all of it, to the caller what is theirs."""
        _log.error("%s: %s", job_id, exc)
        for kind, (code, message) in _OURS.items():
            if isinstance(exc, kind):
                return PortableWorkflowError(message, kind.__name__, code)
        for kind, code in _CODES.items():
            if isinstance(exc, kind):
                # Where the worker keeps its files is nobody's business.
                return PortableWorkflowError(str(exc).replace(f"{self.runs / job_id}/", ""), kind.__name__, code)
        message = "The training failed; the worker's log says why."
        return PortableWorkflowError(message, type(exc).__name__, "training-failed")


def _missing() -> Parameters:
    raise CandidateError("the folder of the run has no parameters: its worker's folder was emptied or is another one")
