"""Graceful shutdown: announce it through readiness first, then stop the server."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from housing_price_orchestrator.service.readiness import Readiness


@contextlib.contextmanager
def delay_stop_signals(readiness: Readiness, *, notice_seconds: float) -> Iterator[None]:
    """Pass SIGTERM on to the server only after `readiness` has reported the shutdown for `notice_seconds`.

    Until then requests are still answered, each as the last one of its connection, so that proxies and clusters can
    move their traffic away. SIGINT, which people send, and any second signal are passed on at once.
    """
    if threading.current_thread() is not threading.main_thread():
        # Python handles signals in the main thread only; only tests run the server in another thread.
        yield
        return
    loop = asyncio.get_running_loop()
    server_handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        is_first = not readiness.is_stopping
        readiness.stop()
        server_handler = server_handlers[signal.Signals(number)]
        if not callable(server_handler):
            return
        if is_first and number == signal.SIGTERM and notice_seconds:
            loop.call_soon_threadsafe(loop.call_later, notice_seconds, server_handler, number, None)
        else:
            server_handler(number, frame)

    for number, server_handler in server_handlers.items():
        if callable(server_handler):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, server_handler in server_handlers.items():
            signal.signal(number, server_handler)
