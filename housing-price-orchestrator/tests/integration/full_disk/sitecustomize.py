"""Makes each file that a process opens for writing fail as on a full disk, while the file `FULL_DISK` exists."""

import errno
import os
from typing import Any

_open = os.open


def _open_unless_full(path: Any, flags: int, *args: Any, **options: Any) -> int:
    if flags & (os.O_WRONLY | os.O_RDWR) and os.path.exists(os.environ.get("FULL_DISK", "")):  # noqa: PTH110 - imported at every start
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    return _open(path, flags, *args, **options)


os.open = _open_unless_full
