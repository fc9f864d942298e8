"""Prices the rows of a step in blocks: while the model server prices some, others are read and written."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.input_ranges import FeatureWarning
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.priced_rows import PricedRow
from housing_price_orchestrator.worker.read_rows import Row

BLOCK_ROWS: Final = 1_000
"""Rows that are priced together."""

MAX_BLOCKS_IN_FLIGHT: Final = 3
"""Blocks at the model server or on their way: enough that it never waits, few enough that others are served."""

type Outcome = PriceEstimate | HousingPriceError

type PriceEach = Callable[[Sequence[AnyHouse]], Callable[[], Sequence[Outcome]]]
"""Starts to price houses; returns the function that waits for their prices, in order.

There is an error in place of each house without a price. The function retries while the model server is unavailable,
and raises when it gives up.
"""

type WarningsOf = Callable[[AnyHouse, PriceEstimate], tuple[FeatureWarning, ...]]
"""Returns the features of a priced house that are outside the values that its model has seen."""


class _Block(NamedTuple):
    """Rows that are being priced."""

    size: int
    """The number of rows, refused ones included."""
    end: int
    """Byte offset of the row after the last one."""
    numbers: Sequence[int]
    houses: Sequence[AnyHouse]
    refused: Sequence[tuple[int, HousingPriceError]]
    """The rows that are no valid houses."""
    wait: Callable[[], Sequence[Outcome]]


class StepPricing:
    """The rows of one step. They count as done when `priced_rows` has yielded all prices of their block."""

    def __init__(
        self,
        rows: Iterator[Row],
        price: PriceEach,
        refuse: Callable[[Sequence[tuple[int, HousingPriceError]]], None],
        *,
        warnings_of: WarningsOf | None,
        done: int,
        end: int,
        max_rows: int,
        max_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Price `rows`, and report the numbers and the errors of those without a price to `refuse`, in order.

        Args:
            rows: the rows that earlier steps have left.
            price: prices houses.
            refuse: called with the refused rows of each block.
            warnings_of: returns the warnings of a priced house; None if they are not needed.
            done: the number of rows that earlier steps have priced.
            end: the byte offset of the first of `rows`.
            max_rows: maximum rows of this step.
            max_seconds: time after which the step begins no further block.
            clock: the time in seconds.
        """
        self._rows = rows
        self._price = price
        self._refuse = refuse
        self._warnings_of = warnings_of
        self._read = self.done = done
        self._left = max_rows
        self._max_seconds = max_seconds
        self._clock = clock
        self.end = end

    def priced_rows(self) -> Iterator[PricedRow]:
        """Yield the priced rows in order, while the next blocks are being priced."""
        ends_at = self._clock() + self._max_seconds
        in_flight: deque[_Block] = deque()
        while (block := self._next_block()) is not None:
            in_flight.append(block)
            if len(in_flight) >= MAX_BLOCKS_IN_FLIGHT:
                yield from self._finish(in_flight.popleft())
            if self._clock() >= ends_at:
                break
        while in_flight:
            yield from self._finish(in_flight.popleft())

    def _next_block(self) -> _Block | None:
        """Read the next rows and start to price them; None if none are left."""
        rows = list(islice(self._rows, min(BLOCK_ROWS, self._left)))
        if not rows:
            return None
        numbers: list[int] = []
        houses: list[AnyHouse] = []
        refused: list[tuple[int, HousingPriceError]] = []
        for number, (house, _) in enumerate(rows, self._read + 1):
            if isinstance(house, HousingPriceError):
                refused.append((number, house))
            else:
                numbers.append(number)
                houses.append(house)
        self._read += len(rows)
        self._left -= len(rows)
        return _Block(len(rows), rows[-1].end, numbers, houses, refused, self._price(houses))

    def _finish(self, block: _Block) -> Iterator[PricedRow]:
        refused, warnings_of = list(block.refused), self._warnings_of
        for number, house, outcome in zip(block.numbers, block.houses, block.wait(), strict=True):
            if isinstance(outcome, HousingPriceError):
                refused.append((number, outcome))
            elif warnings_of is None:
                yield PricedRow(number, house.id, outcome)
            else:
                yield PricedRow(number, house.id, outcome, warnings_of(house, outcome))
        self._refuse(sorted(refused, key=lambda numbered: numbered[0]))
        self.done += block.size
        self.end = block.end
