"""The time by which the work that is being done must be over.

It is set once for a request, by whoever knows how long that may take, and kept in the context of its task: whatever is
asked on its behalf, halves and further attempts too, shares it. A call that carries several requests has the latest of
theirs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

current_deadline: ContextVar[float | None] = ContextVar("current_deadline", default=None)
"""When the time is over, in seconds of `time.monotonic`; None where there is no limit."""


@contextmanager
def deadline_at(moment: float) -> Iterator[None]:
    """Set a deadline for the work inside; an earlier one that is set already stays."""
    given = current_deadline.get()
    token = current_deadline.set(moment if given is None else min(moment, given))
    try:
        yield
    finally:
        current_deadline.reset(token)
