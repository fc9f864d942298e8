"""The deadline of the current request.

It is set once per request and kept in the context of its task, so that every call for the request shares it: split
batches and retries, too. A call that carries several requests has the latest of their deadlines.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

current_deadline: ContextVar[float | None] = ContextVar("current_deadline", default=None)
"""The deadline, in seconds of `time.monotonic`; None if there is none."""


@contextmanager
def deadline_at(moment: float) -> Iterator[None]:
    """Set a deadline for the enclosed work; an earlier deadline that is already set stays in force."""
    existing = current_deadline.get()
    token = current_deadline.set(moment if existing is None else min(moment, existing))
    try:
        yield
    finally:
        current_deadline.reset(token)
