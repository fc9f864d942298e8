"""Runs blocking database calls in threads, each with a deadline that frees both the caller and the thread."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from housing_price_platform.database.deadline import deadline

CALL_SHARE: Final = 0.95
"""Share of a caller's time in which its database calls must end, so that they can say why they failed."""


class CallRefused(Exception):
    """Too many calls are waiting for a thread."""


class CallTimedOut(Exception):
    """The call did not end in time; it may still take effect."""


@dataclass(eq=False)
class _Call:
    run: Callable[[], Any]
    until: float
    future: Future[Any] = field(default_factory=Future)
    is_abandoned: bool = False


class DatabaseThreads:
    """A few threads for database calls, which callers in an event loop share.

    The engine's limits and the thread's `deadline` end a call. If a call hangs all the same (in a name lookup, or on a
    hung disk), its caller is freed and the thread is replaced. The threads are daemons: the end of the process does not
    wait for them.
    """

    def __init__(self, threads: int, *, max_waiting: int, name: str) -> None:
        """Start up to `threads` threads when needed, and as many again while others are stuck.

        Calls beyond `max_waiting` waiting ones are refused.
        """
        self._name = name
        self._max_threads = threads
        self._max_pending = threads + max_waiting
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._stuck = 0
        self._pending = 0

    async def run[T](self, call: Callable[[], T], *, seconds: float) -> T:
        """Run a call in a thread and return its result; waiting for a thread counts as well.

        Raises:
            CallRefused: too many calls are waiting.
            CallTimedOut: the call did not end within `seconds`.
            Exception: that of the call.
        """
        if self._pending >= self._max_pending:
            raise CallRefused("too many calls are waiting for the database")
        pending = _Call(call, time.monotonic() + CALL_SHARE * seconds)
        self._pending += 1
        try:
            self._put(pending)
            async with asyncio.timeout(seconds) as limit:
                result: T = await asyncio.wrap_future(pending.future)
                return result
        except TimeoutError as error:
            if not limit.expired():
                raise  # by the call itself
            raise CallTimedOut(f"no answer from the database within {seconds:g} s") from error
        finally:
            self._pending -= 1
            self._abandon(pending)

    def close(self) -> None:
        """End the idle threads, and the others after their calls; waits for none."""
        with self._lock:
            for _ in range(self._threads):
                self._calls.put(None)

    def _put(self, call: _Call) -> None:
        with self._lock:
            self._calls.put(call)
            if self._calls.qsize() > self._idle and self._threads - self._stuck < self._max_threads:
                self._start_thread()

    def _abandon(self, call: _Call) -> None:
        """Replace the thread of a call that still runs although its caller has gone."""
        with self._lock:
            if call.future.done() or call.future.cancel():
                return
            call.is_abandoned = True
            self._stuck += 1
            self._start_thread()

    def _start_thread(self) -> None:
        if self._threads == 2 * self._max_threads:
            return
        self._threads += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            call = self._calls.get()
            with self._lock:
                self._idle -= 1
            if call is None or not self._run(call):
                break
        with self._lock:
            self._threads -= 1

    def _run(self, call: _Call) -> bool:
        """Run a call; returns whether this thread continues: not if others have replaced it."""
        if not call.future.set_running_or_notify_cancel():
            return True
        try:
            with deadline(call.until - time.monotonic()):
                result = call.run()
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            self._finish(partial(call.future.set_exception, error))
        else:
            self._finish(partial(call.future.set_result, result))
        with self._lock:
            if call.is_abandoned:
                self._stuck -= 1
            return self._threads - self._stuck <= self._max_threads

    def _finish(self, finish: Callable[[], None]) -> None:
        with self._lock, contextlib.suppress(RuntimeError):
            # RuntimeError: the event loop of the caller has closed.
            finish()
