"""Between the signal to stop and the end: first say so, then stop."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from housing_price_orchestrator.service.readiness import Readiness


@contextlib.contextmanager
def announced_stop(readiness: Readiness, *, notice_seconds: float) -> Iterator[None]:
    """Hand signals on to the server that we run under only after `readiness` has said for a while that it is over.

    In between requests are still answered, each as the last one of its connection, so that a proxy or a cluster that
    has not noticed yet loses none. SIGTERM comes from one of those. SIGINT, which people send, is handed on at once,
    and so is a second signal.
    """
    if threading.current_thread() is not threading.main_thread():
        # Python knows signals in the main thread only: elsewhere nobody but a test runs a server.
        yield
        return
    loop = asyncio.get_running_loop()
    of_server = {which: signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)}

    def announce(which: int, frame: FrameType | None) -> None:
        is_first = not readiness.is_stopping
        readiness.stop()
        stop = of_server[signal.Signals(which)]
        if not callable(stop):
            return
        if is_first and which == signal.SIGTERM and notice_seconds:
            loop.call_soon_threadsafe(loop.call_later, notice_seconds, stop, which, None)
        else:
            stop(which, frame)

    for which, stop in of_server.items():
        if callable(stop):
            signal.signal(which, announce)
    try:
        yield
    finally:
        for which, stop in of_server.items():
            signal.signal(which, stop)
