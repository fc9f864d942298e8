"""Errors of files that pass on their own: a full disk, a busy file, too many open files."""

import errno
import time
from collections.abc import Callable
from typing import Final

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The disk or the quota is full."""

TEMPORARY: Final = DISK_FULL | {
    errno.EAGAIN,
    errno.EBUSY,
    errno.EINTR,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
"""Errors after which the same call may succeed later. Others, such as missing permissions, need a person."""

PAUSE_SECONDS: Final = 0.1


def is_temporary(error: BaseException) -> bool:
    """Return whether the same call may succeed later, without a change by a person."""
    return isinstance(error, OSError) and error.errno in TEMPORARY


def retry[T](work: Callable[[], T], *, seconds: float) -> T:
    """Call `work` until it succeeds, for up to `seconds` while it fails with a temporary error.

    Raises:
        OSError: The error is not temporary, or the time is up.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return work()
        except OSError as error:
            if not is_temporary(error) or time.monotonic() >= deadline:
                raise
        time.sleep(min(PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
