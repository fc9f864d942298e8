"""Checks that the worker of this container is alive: a worker holds a lock on a file with its name, the host name.

    worker_alive.py /jobs/workers/NAME.lock         NAME is replaced by the host name

Exits with 0 if the worker is alive, otherwise with 1.
"""

import fcntl
import socket
import sys
from pathlib import Path

path = Path(sys.argv[1].replace("NAME", socket.gethostname()))
if not path.is_file():
    sys.exit(1)
# A starting worker first takes the lock of `.names`. Holding it here prevents this check from blocking its name.
with (path.parent / ".names").open("a") as names, path.open("a") as file:
    fcntl.flock(names, fcntl.LOCK_EX)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(0)
sys.exit(1)
