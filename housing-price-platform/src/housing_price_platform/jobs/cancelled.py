"""Tells a running job whether it was cancelled."""

from dbos import DBOS
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError


def is_current_job_cancelled() -> bool:
    """Return whether the job that this thread runs was cancelled."""
    return DBOS.workflow_id is not None and is_cancelled(DBOS.workflow_id)


def is_cancelled(job_id: str) -> bool:
    """Return whether the job was cancelled. DBOS also interrupts a step when another worker has taken over the job."""
    try:
        status = DBOS.get_workflow_status(job_id)
    except dbos_error.DBOSWorkflowCancelledError:
        return True  # raised when called between two steps
    except SQLAlchemyError:
        return False  # unknown: the database is the condition that is waited for
    return status is not None and status.status == "CANCELLED"
