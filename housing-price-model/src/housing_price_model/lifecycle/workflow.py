"""The workflow `move`: each step is a checkpoint, and a failed move is undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from dbos import DBOS
from dbos import error as dbos_error

from housing_price_model.errors import HousingPriceModelError, MoveError, RegistryError
from housing_price_model.lifecycle.move_request import move_of
from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.plan import Plan
from housing_price_model.registry.availability import is_temporary_here
from housing_price_platform.jobs.cancelled import is_cancelled
from housing_price_platform.jobs.failure import JobFailed
from housing_price_platform.jobs.temporary import retry_while_temporary
from housing_price_platform.orders.moves import Action

PROGRESS: Final = "progress"

MAX_WAIT_SECONDS: Final = 120.0
"""Maximum wait of a step for a full disk, a locked database or the registry. Other moves wait meanwhile."""
JUDGE: Final = "judge"
DRAIN: Final = "drain"
RECORD: Final = "record"

_SWAP: Final = ("export", "start", "ask", "route", RECORD, DRAIN, "stop")
_REMOVAL: Final = ("route", RECORD, DRAIN, "stop")
_NOTE: Final = (RECORD,)

_CALLER_ERRORS: Final = frozenset({"invalid-argument", "transition-illegal", "version-unknown"})
"""Codes of errors that the caller can mend."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Lifecycle:
    """Runs the jobs of the queue `lifecycle`; `move_steps` are those for versions of the price model."""

    move_steps: MoveSteps

    def move(self, job_id: str, argument: Any) -> dict[str, Any]:
        """Run one job; after a crash it resumes at the interrupted step.

        Raises:
            JobFailed: the job failed and was undone; the message is for the caller.
        """
        _set_progress(0, 1 + len(_expected_steps(argument)), JUDGE)
        plan = Plan.model_validate_json(DBOS.run_step({"name": JUDGE}, self._judge, job_id, argument))
        steps = _steps_of(plan)
        revision, recorded = 0, False
        try:
            for done, name in enumerate(steps, start=1):
                _set_progress(done, 1 + len(steps), name)
                if name == DRAIN:
                    DBOS.sleep(self.move_steps.drain_seconds)
                    continue
                revision = DBOS.run_step({"name": name}, self._perform, name, job_id, plan, argument) or revision
                recorded = recorded or name == RECORD
        except (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError):
            # DBOS runs no further step of this job. A recorded move stays: the next move completes it.
            if not recorded and is_cancelled(job_id):
                self._steps_for(plan).undo(plan, job_id, argument, _log.error)
            raise
        except Exception:
            if not recorded:
                self._undo(plan, job_id, argument)
            raise
        _set_progress(1 + len(steps), 1 + len(steps), steps[-1])
        moved = {"model": plan.model.value, "version": plan.version, "state": plan.state}
        return moved | {"previous": plan.previous, "revision": revision}

    def _undo(self, plan: Plan, job_id: str, argument: Any) -> None:
        try:
            DBOS.run_step({"name": "undo"}, self._steps_for(plan).undo, plan, job_id, argument, _log.error)
        except (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError):
            if is_cancelled(job_id):
                self._steps_for(plan).undo(plan, job_id, argument, _log.error)
            raise

    def _judge(self, job_id: str, argument: Any) -> str:
        def judge() -> str:
            move_steps = self.move_steps.of(move_of(argument).model)
            return move_steps.judge(argument).model_dump_json()

        return self._translated(job_id, judge)

    def _steps_for(self, plan: Plan) -> MoveSteps:
        return self.move_steps.of(plan.model)

    def _perform(self, name: str, job_id: str, plan: Plan, argument: Any) -> int | None:
        move_steps = self._steps_for(plan)

        def perform() -> int | None:
            match name:
                case "export":
                    move_steps.export(plan)
                case "start":
                    move_steps.start(plan, lambda: is_cancelled(job_id))
                case "ask":
                    move_steps.ask(plan)
                case "route":
                    return move_steps.route(plan)
                case "record":
                    move_steps.record(plan, job_id, argument)
                case "stop":
                    return move_steps.stop(plan)
            return None

        found = self._translated(job_id, perform)
        _log.info("step completed", job_id=job_id, step=name, model=plan.model.value, version=plan.version)
        return found

    def _translated[T](self, job_id: str, do: Callable[[], T]) -> T:
        """Wait while a temporary condition prevents a step; log the full error, raise what concerns the caller."""
        try:
            return retry_while_temporary(
                do,
                is_temporary=_is_temporary,
                report=lambda error, seconds: _log.warning(
                    "step failed, retrying", job_id=job_id, error=str(error), seconds=seconds
                ),
                is_cancelled=lambda: is_cancelled(job_id),
                max_seconds=MAX_WAIT_SECONDS,
            )
        except MoveError as error:
            # Refusals that the caller can correct are not errors of this service.
            log = _log.info if error.code in _CALLER_ERRORS else _log.error
            cause = None if error.__cause__ is None else str(error.__cause__)
            log("job failed", job_id=job_id, error=str(error), code=error.code, cause=cause)
            raise JobFailed(error.code, str(error)) from error
        except RegistryError as error:
            _log.error("job failed", job_id=job_id, error=str(error), code="registry-unavailable")
            message = "The model registry does not answer, or its answer is invalid."
            raise JobFailed("registry-unavailable", message) from error
        except HousingPriceModelError as error:
            _log.error("job failed", job_id=job_id, error=str(error), kind=type(error).__name__)
            raise


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, MoveError) and error.code != "model-refused":
        return False  # the steps themselves wait for model servers
    return is_temporary_here(error)


def _steps_of(plan: Plan) -> Sequence[str]:
    if plan.serve is not None:
        return _SWAP
    return _NOTE if plan.before == plan.after else _REMOVAL


def _expected_steps(argument: Any) -> Sequence[str]:
    """Return the probable steps, for progress before the move is planned."""
    action = argument.get("action") if isinstance(argument, dict) else None
    return {Action.ABORT.value: _REMOVAL, Action.ARCHIVE.value: _NOTE}.get(str(action), _SWAP)


def _set_progress(done: int, total: int, step: str) -> None:
    DBOS.set_event(PROGRESS, {"stepsDone": done, "stepsTotal": total, "step": step})
