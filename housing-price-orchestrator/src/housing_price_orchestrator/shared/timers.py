"""Cheap timers that share one tick, for timeouts that rarely expire.

A request sets two, one for its deadline and one to detect a client disconnect, and usually ends before either expires.
Setting and cancelling a timer of the event loop takes 2 to 3 us; an entry in a dictionary takes a tenth of that.
"""

import asyncio
from collections.abc import Callable

TICK_SECONDS = 0.01
"""Interval between checks: a timer may be late by this much, plus the latency of the event loop."""


class Timer:
    """A callback that runs unless it is cancelled first."""

    __slots__ = ("_timers", "callback")

    def __init__(self, timers: "Timers", callback: Callable[[], object]) -> None:
        """Created by `Timers.call_later`."""
        self._timers = timers
        self.callback = callback

    def cancel(self) -> None:
        """Cancel the callback; does nothing if it has already run."""
        self._timers.forget(self)


class Timers:
    """The timers of one event loop, checked on each tick while there are any."""

    def __init__(self, *, tick_seconds: float = TICK_SECONDS) -> None:
        """Check every `tick_seconds`."""
        self._tick_seconds = tick_seconds
        self._due: dict[Timer, float] = {}
        self._is_ticking = False

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Run `callback` in the running loop after `seconds`, or up to one tick later."""
        loop = asyncio.get_running_loop()
        timer = Timer(self, callback)
        self._due[timer] = loop.time() + seconds
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(self._tick_seconds, self._tick, loop)
        return timer

    def forget(self, timer: Timer) -> None:
        """Drop a timer, if it is pending."""
        self._due.pop(timer, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for timer in [timer for timer, due in self._due.items() if due <= now]:
            # An earlier callback of this tick may have cancelled it.
            if self._due.pop(timer, None) is not None:
                timer.callback()
        self._is_ticking = bool(self._due)
        if self._is_ticking:
            loop.call_later(self._tick_seconds, self._tick, loop)
