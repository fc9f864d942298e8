"""The workflow `move`: each step of a move is a checkpoint; one that fails leaves everything as it was."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dbos import DBOS
from dbos._error import DBOSWorkflowCancelledError, DBOSWorkflowConflictIDError
from dbos._serialization import PortableWorkflowError

from housing_price_model.errors import HousingPriceModelError, MoveError, RegistryError
from housing_price_model.lifecycle.move_request import Action
from housing_price_model.lifecycle.move_steps import Moving
from housing_price_model.lifecycle.plan import Plan

PROGRESS: Final = "progress"
JUDGE: Final = "judge"
DRAIN: Final = "drain"
RECORD: Final = "record"

_SWAP: Final = ("export", "start", "ask", "route", RECORD, DRAIN, "stop")
_REMOVAL: Final = ("route", RECORD, DRAIN, "stop")
_NOTE: Final = (RECORD,)

_log = logging.getLogger("housing_price_model.lifecycle")


@dataclass(frozen=True)
class Lifecycle:
    """Does the jobs of the queue `lifecycle`."""

    moving: Moving

    def move(self, job_id: str, asked: Any) -> dict[str, Any]:
        """Do one job; called again after a crash, it goes on where it was.

        Raises:
            PortableWorkflowError: the job failed, and nothing has changed; the message is for the caller.
        """
        _tell(0, 1 + len(_guess(asked)), JUDGE)
        plan = Plan.model_validate_json(DBOS.run_step({"name": JUDGE}, self._judge, job_id, asked))
        steps = _steps_of(plan)
        revision, recorded = 0, False
        try:
            for done, name in enumerate(steps, start=1):
                _tell(done, 1 + len(steps), name)
                if name == DRAIN:
                    DBOS.sleep(self.moving.drain_seconds)
                    continue
                revision = DBOS.run_step({"name": name}, self._perform, name, job_id, plan, asked) or revision
                recorded = recorded or name == RECORD
        except (DBOSWorkflowCancelledError, DBOSWorkflowConflictIDError):
            # No step can be taken any more; what was written down is carried through by the next move.
            if not recorded and _is_cancelled(job_id):
                self.moving.undo(plan, job_id, asked, _log.error)
            raise
        except Exception:
            if not recorded:
                self._undo(plan, job_id, asked)
            raise
        _tell(1 + len(steps), 1 + len(steps), steps[-1])
        return {"version": plan.version, "state": plan.state, "previous": plan.previous, "revision": revision}

    def _undo(self, plan: Plan, job_id: str, asked: Any) -> None:
        try:
            DBOS.run_step({"name": "undo"}, self.moving.undo, plan, job_id, asked, _log.error)
        except (DBOSWorkflowCancelledError, DBOSWorkflowConflictIDError):
            if _is_cancelled(job_id):
                self.moving.undo(plan, job_id, asked, _log.error)
            raise

    def _judge(self, job_id: str, asked: Any) -> str:
        return self._guarded(job_id, lambda: self.moving.judge(asked).model_dump_json())

    def _perform(self, name: str, job_id: str, plan: Plan, asked: Any) -> int | None:
        def perform() -> int | None:
            match name:
                case "export":
                    self.moving.export(plan)
                case "start":
                    self.moving.start(plan, lambda: _is_cancelled(job_id))
                case "ask":
                    self.moving.ask(plan)
                case "route":
                    return self.moving.route(plan)
                case "record":
                    self.moving.record(plan, job_id, asked)
                case "stop":
                    return self.moving.stop(plan)
            return None

        found = self._guarded(job_id, perform)
        _log.warning("%s: version %s: %s done", job_id, plan.version, name)
        return found

    def _guarded[T](self, job_id: str, do: Callable[[], T]) -> T:
        """Say what went wrong: to the log all of it, to the caller what is theirs."""
        try:
            return do()
        except MoveError as exc:
            _log.error("%s: %s (%s)", job_id, exc, exc.__cause__ or exc.code)
            raise PortableWorkflowError(str(exc), type(exc).__name__, exc.code) from exc
        except RegistryError as exc:
            _log.error("%s: %s", job_id, exc)
            message = "The model registry does not answer, or not as it should."
            raise PortableWorkflowError(message, type(exc).__name__, "registry-unavailable") from exc
        except HousingPriceModelError as exc:
            _log.error("%s: %s", job_id, exc)
            raise


def _is_cancelled(job_id: str) -> bool:
    """Tell a job that was cancelled from one that another worker has taken over: DBOS ends a step of either alike."""
    try:
        status = DBOS.get_workflow_status(job_id)
    except DBOSWorkflowCancelledError:
        return True  # asked between two steps
    return status is not None and status.status == "CANCELLED"


def _steps_of(plan: Plan) -> Sequence[str]:
    if plan.serve is not None:
        return _SWAP
    return _NOTE if plan.before == plan.after else _REMOVAL


def _guess(asked: Any) -> Sequence[str]:
    """Say how many steps there may be, before it is judged."""
    action = asked.get("action") if isinstance(asked, dict) else None
    return {Action.ABORT.value: _REMOVAL, Action.ARCHIVE.value: _NOTE}.get(str(action), _SWAP)


def _tell(done: int, total: int, step: str) -> None:
    DBOS.set_event(PROGRESS, {"stepsDone": done, "stepsTotal": total, "step": step})
