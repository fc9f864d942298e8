"""Timers for what nearly never comes: they may be late by a moment, and cost nearly nothing where they are not needed.

A request sets two, one for its deadline and one for the case that its caller leaves, and has ended before either comes.
A timer of the event loop costs 2 to 3 us to set and cancel; an entry in a dictionary a tenth of that.
"""

import asyncio
from collections.abc import Callable

TICK_SECONDS = 0.01
"""How late a timer may be, beside what the event loop itself is late."""


class Timer:
    """Something that is to be called unless it is cancelled before."""

    __slots__ = ("_timers", "callback")

    def __init__(self, timers: "Timers", callback: Callable[[], object]) -> None:
        """Made by `Timers.call_later`."""
        self._timers = timers
        self.callback = callback

    def cancel(self) -> None:
        """Have nothing called; nothing happens where it was called already."""
        self._timers.forget(self)


class Timers:
    """The timers of one event loop, looked through once in a while for as long as there are any."""

    def __init__(self, *, tick_seconds: float = TICK_SECONDS) -> None:
        """Look every `tick_seconds`."""
        self._tick_seconds = tick_seconds
        self._due: dict[Timer, float] = {}
        self._is_ticking = False

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Have `callback` called by the running loop after so many seconds, or up to a tick later."""
        loop = asyncio.get_running_loop()
        timer = Timer(self, callback)
        self._due[timer] = loop.time() + seconds
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_later(self._tick_seconds, self._tick, loop)
        return timer

    def forget(self, timer: Timer) -> None:
        """Drop a timer, if it is still there."""
        self._due.pop(timer, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for timer in [timer for timer, due in self._due.items() if due <= now]:
            # A callback may have cancelled it meanwhile.
            if self._due.pop(timer, None) is not None:
                timer.callback()
        self._is_ticking = bool(self._due)
        if self._is_ticking:
            loop.call_later(self._tick_seconds, self._tick, loop)
