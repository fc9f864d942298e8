"""The failure of a job that callers see: no other exception of a worker becomes public."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from dbos import PortableWorkflowError
from dbos import error as dbos_error

_CODE: Final = re.compile("[a-z]+(-[a-z]+)+")

_EARLIER_NAME: Final = PortableWorkflowError.__name__
"""Name under which earlier releases stored public failures."""


class JobFailed(PortableWorkflowError):
    """A job failed for a reason that its caller may read.

    DBOS stores any exception with its attribute `code`, if there is one, and SQLAlchemy's exceptions have one. So the
    type is what makes a failure public.
    """

    def __init__(self, code: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        """Keep the public code (words with dashes), the explanation, and further facts as JSON."""
        if _CODE.fullmatch(code) is None:
            raise ValueError(f"{code!r} is not a public code")
        super().__init__(message, type(self).__name__, code, None if data is None else dict(data))
        self.facts = data


def public_failure(error: BaseException | None) -> JobFailed | None:
    """Return the public failure in an error that DBOS read from its database; None if the error is not public."""
    if isinstance(error, JobFailed):
        return error
    if not isinstance(error, PortableWorkflowError) or error.name not in {JobFailed.__name__, _EARLIER_NAME}:
        return None
    if not isinstance(error.code, str) or _CODE.fullmatch(error.code) is None:
        return None
    return JobFailed(error.code, error.message, error.data if isinstance(error.data, Mapping) else None)


def failing_publicly[**P, R](workflow: Callable[P, R]) -> Callable[P, R]:
    """Wrap a workflow so that a failure which DBOS replays from a checkpoint keeps its type.

    After a restart, DBOS raises the stored error of a step as `PortableWorkflowError`, whatever it was.
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return workflow(*args, **kwargs)
        except JobFailed:
            raise
        except PortableWorkflowError as error:
            failure = public_failure(error) if error.name == JobFailed.__name__ else None
            if failure is None:
                raise RuntimeError(f"a step failed earlier: {error.name}: {error.message}") from error
            raise failure from error

    return run


class _OmitPublicFailures(logging.Filter):
    """Omits DBOS's tracebacks of public failures, about which each worker logs a line, and of cancelled jobs."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, dbos_error.DBOSAwaitedWorkflowCancelledError) and public_failure(error) is None


_FILTER: Final = _OmitPublicFailures()


def omit_tracebacks_of_public_failures() -> None:
    """Keep the tracebacks of failures that callers caused out of the log of this process."""
    logging.getLogger("dbos").addFilter(_FILTER)
