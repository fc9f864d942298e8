"""Prices the splits of a file in processes of this machine."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cached_property
from multiprocessing.connection import wait as wait_for_end
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Final

from housing_price.bulk.files.parts import Order, Part
from housing_price.bulk.files.splits import Split
from housing_price.bulk.model import LoadedModel
from housing_price.bulk.progress import ShowProgress
from housing_price.bulk.score_split import score_split
from housing_price.errors import BulkError

STEP: Final = "pricing"

_SPLITS_AHEAD: Final = 2
"""Splits per process that are priced or waiting; more would only take room on the disk."""
_REFRESH_SECONDS: Final = 0.2

type _Counter = Synchronized[int]


class LocalEngine:
    """Prices splits in a pool of processes, or in this process if one is enough."""

    def __init__(self, export: Path, digest: str, processes: int) -> None:
        """Price with the model of an export that has this digest, in up to this many processes."""
        self._export = export
        self._digest = digest
        self.pieces: Final = processes

    def score(self, order: Order, splits: Sequence[Split], show: ShowProgress) -> Iterator[Part]:
        """Yield the parts of all splits, in order.

        Raises:
            BulkError: A split cannot be priced, or a process was killed.
        """
        total = sum(split.rows for split in splits)
        if min(self.pieces, len(splits)) == 1:
            yield from self._score_here(order, splits, total, show)
            return
        context = multiprocessing.get_context("spawn")
        counter: _Counter = context.Value("q", 0)
        processes = min(self.pieces, len(splits))
        with _pool(processes, context, (order, self._export, self._digest, counter)) as pool:
            waiting = deque(splits)
            running: deque[Future[list[Part]]] = deque()
            while waiting or running:
                while waiting and len(running) < _SPLITS_AHEAD * processes:
                    running.append(pool.submit(_score_in_process, waiting.popleft()))
                while not wait(list(running)[:1], timeout=_REFRESH_SECONDS).done:
                    show(STEP, counter.value, total)
                yield from _parts_of(running.popleft())
                show(STEP, counter.value, total)

    def _score_here(self, order: Order, splits: Sequence[Split], total: int, show: ShowProgress) -> Iterator[Part]:
        model = LoadedModel(self._export, self._digest)
        done = 0
        for split in splits:
            for part in score_split(order, split, model):
                done += part.rows
                show(STEP, done, total)
                yield part


@contextmanager
def _pool(
    processes: int, context: multiprocessing.context.SpawnContext, arguments: tuple[Order, Path, str, _Counter]
) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start_process, initargs=arguments)
    try:
        yield pool
    except BaseException:
        # The other splits are not worth waiting for.
        for process in (pool._processes or {}).values():  # noqa: SLF001 - `terminate_workers` is new in Python 3.14
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _parts_of(future: Future[list[Part]]) -> list[Part]:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise BulkError(
            "a process ended before its rows were priced: it was killed, or the memory is full (see --processes)"
        ) from error


class _Process:
    """The model and the order of one process of the pool."""

    def __init__(self, order: Order, export: Path, digest: str, counter: _Counter) -> None:
        self.order = order
        self.counter = counter
        self._export = export
        self._digest = digest

    @cached_property
    def model(self) -> LoadedModel:
        """The model, loaded by the first split, which can report an error."""
        return LoadedModel(self._export, self._digest)


_this_process: _Process | None = None


def _start_process(order: Order, export: Path, digest: str, counter: _Counter) -> None:
    """Prepare a process of the pool."""
    global _this_process  # noqa: PLW0603 - a pool gives its tasks nothing but arguments
    # Ctrl-C reaches all processes of a terminal; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _this_process = _Process(order, export, digest, counter)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)


def _score_in_process(split: Split) -> list[Part]:
    assert _this_process is not None  # noqa: S101 - the initializer has run
    parts = []
    for part in score_split(_this_process.order, split, _this_process.model):
        parts.append(part)
        with _this_process.counter.get_lock():
            _this_process.counter.value += part.rows
    return parts
