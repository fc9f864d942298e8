"""The latest price of each house, bounded in number and in age."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import msgspec

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import PriceSource
from housing_price_orchestrator.shared.view.record import AnyHouse

_is_bypassed: Final[ContextVar[bool]] = ContextVar("price_memory_is_bypassed", default=False)


@contextmanager
def price_memory_bypassed() -> Iterator[None]:
    """Price the enclosed work by the model only: its houses are neither remembered nor recalled.

    For houses that nobody asks about, such as the mixed houses of an explanation. They would evict those of callers.
    """
    token = _is_bypassed.set(True)
    try:
        yield
    finally:
        _is_bypassed.reset(token)


def is_price_memory_bypassed() -> bool:
    """Whether the current work must not use the price memory."""
    return _is_bypassed.get()


class PriceMemory[Key: Hashable]:
    """The latest price of each distinct house; the least recently priced ones are evicted.

    Two houses are the same when their keys are equal: the key holds every feature and leaves out the caller's id.
    """

    def __init__(
        self,
        *,
        max_houses: int,
        key_of: Callable[[AnyHouse], Key],
        write_key: Callable[[Key], bytes],
        model_now: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create an empty memory.

        Args:
            max_houses: number of houses to keep.
            key_of: makes the key of a house from the features that the model sees.
            write_key: writes a key as the `inputs` of an estimate.
            model_now: returns the id of the model in service, or None while it is unknown.
            clock: monotonic time in seconds.
        """
        self._max_houses = max_houses
        self._key_of = key_of
        self._write_key = write_key
        self._model_now = model_now
        self._clock = clock
        self._prices: OrderedDict[Key, tuple[PriceEstimate, float]] = OrderedDict()
        self._model_id: str | None = None

    def __len__(self) -> int:
        """Return the number of houses in memory."""
        return len(self._prices)

    def keys_of(self, houses: Sequence[AnyHouse]) -> list[Key]:
        """Make the keys of houses, in order, for `remember` and `recall`."""
        return list(map(self._key_of, houses))

    def remember(self, keys: Sequence[Key], estimates: Sequence[PriceEstimate]) -> None:
        """Store the model's latest estimates."""
        now = self._clock()
        for key, estimate in zip(keys, estimates, strict=True):
            # Equal keys can have different texts (1 and 1.0), so `inputs` is written anew by `recall`.
            self._prices[key] = (msgspec.structs.replace(estimate, inputs=b""), now)
            self._prices.move_to_end(key)
        while len(self._prices) > self._max_houses:
            self._prices.popitem(last=False)
        if estimates:
            self._model_id = estimates[-1].model.id

    def recall(self, keys: Sequence[Key], source: PriceSource, *, max_age_seconds: float) -> list[PriceEstimate | None]:
        """Return the stored estimate of each key, marked with `source`; None where there is no usable one.

        A usable estimate is young enough and was made by the model that answered last. For the source `cache`, that
        model must also be `model_now`, where that is known.
        """
        oldest = self._clock() - max_age_seconds
        model_now = self._model_now() if source == "cache" else None
        found: list[PriceEstimate | None] = []
        for key in keys:
            estimate, made_at = self._prices.get(key, (None, 0.0))
            if (
                estimate is None
                or made_at < oldest
                or estimate.model.id != self._model_id
                or (model_now is not None and estimate.model.id != model_now)
            ):
                found.append(None)
            else:
                found.append(msgspec.structs.replace(estimate, source=source, inputs=self._write_key(key)))
        return found
