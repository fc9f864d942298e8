"""A quick end of a service: the interpreter skips the garbage collection at its exit."""

import atexit
import gc


def skip_final_garbage_collection() -> None:
    """End this process without a search for unreachable objects. Call it first of all that registers exit functions.

    At its exit, Python looks at all objects several times: 0.6 s of CPU time for the modules of the API, and many
    seconds on a busy machine, where a supervisor may kill the process before it has ended. The system frees the memory
    in any case. Exit functions and finalizers of `weakref` still run.

    For services only: a file that is part of unreachable objects is not flushed.
    """
    atexit.register(gc.freeze)
