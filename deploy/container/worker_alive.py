"""Tells whether the worker of this container is alive: it holds the lock of a file of its name, which is the host's.

    worker_alive.py /jobs/workers/NAME.lock         NAME stands for the name

Ends with 0 if so, and with 1 if not.
"""

import fcntl
import socket
import sys
from pathlib import Path

path = Path(sys.argv[1].replace("NAME", socket.gethostname()))
if not path.is_file():
    sys.exit(1)
# Under the lock that whoever starts takes first: it would find its own name taken by us otherwise.
with (path.parent / ".names").open("a") as turn, path.open("a") as file:
    fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(0)
sys.exit(1)
