"""Counts what rows hold, chunk by chunk: at training the houses, later the prediction log, both in the same way."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Final

from housing_price_model.artefact.served import SUBCLASS
from housing_price_model.errors import DataError
from housing_price_model.reference.distribution import Numbers, Words
from housing_price_model.survey.vocabulary import CATEGORIES, COLUMNS, NUMBERS

GROUP: Final = "Neighborhood"
"""The column whose groups are looked at one by one: where a house stands says most about who asks."""

WORDS: Final = tuple(name for name in COLUMNS if name in CATEGORIES or name == SUBCLASS)
QUANTITIES: Final = tuple(name for name in NUMBERS if name != SUBCLASS)

# Prices are counted in steps of 10 USD and widths in steps of 0.001, so that a long log has a bounded number of values.
_PRICE_DIGITS: Final = -1
_WIDTH_DIGITS: Final = 3


class Tally:
    """Counts rows and the estimates that were made for them.

    Attributes:
        rows: How many rows were counted.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[str, Counter[Any]] = {name: Counter() for name in COLUMNS}
        self._prices: Counter[float | None] = Counter()
        self._widths: Counter[float | None] = Counter()
        self._group_prices: dict[str, Counter[float | None]] = {}

    def add(self, names: Sequence[str], rows: Sequence[Sequence[Any]], estimates: Iterable[Sequence[float]]) -> None:
        """Count rows of values in the order of `names`, None where there is none, with a price, low and high for each.

        Columns that the model does not know are not counted; one that is not among the names counts as missing.

        Raises:
            DataError: a value is none.
        """
        self.rows += len(rows)
        cells = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        for name, counter in self._columns.items():
            try:
                counter.update(cells.get(name, (None,) * len(rows)))
            except TypeError as exc:
                raise DataError(f"{name}: a list or an object is no value") from exc
        groups = cells.get(GROUP, (None,) * len(rows))
        for group, (price, low, high) in zip(groups, estimates, strict=True):
            rounded = round(price, _PRICE_DIGITS)
            self._prices[rounded] += 1
            self._widths[round(log(high / low), _WIDTH_DIGITS)] += 1
            if group is not None:
                self._group_prices.setdefault(group, Counter())[rounded] += 1

    def numbers(self) -> Mapping[str, Numbers]:
        """Give the distribution of each number.

        Raises:
            DataError: there was something else among them.
        """
        for name in QUANTITIES:
            for value in self._columns[name]:
                if value is not None and type(value) not in (int, float):
                    raise DataError(f"{name}: {value!r} is not a number")
        return {name: Numbers.of(self._columns[name]) for name in QUANTITIES}

    def words(self) -> Mapping[str, Words]:
        """Give the distribution of each category; a code counts as a word.

        Raises:
            DataError: there was something else among them.
        """
        found = {}
        for name in WORDS:
            counts: Counter[str | None] = Counter()
            for value, count in self._columns[name].items():
                is_code = name == SUBCLASS and type(value) in (int, float)
                if value is not None and not is_code and not isinstance(value, str):
                    raise DataError(f"{name}: {value!r} is not a word")
                counts[str(int(value)) if is_code else value] += count
            found[name] = Words.of(counts)
        return found

    def prices(self) -> Numbers:
        """Give the distribution of the estimated prices, in US dollars."""
        return Numbers.of(self._prices)

    def widths(self) -> Numbers:
        """Give the distribution of the logarithm of high / low: how unsure the model was."""
        return Numbers.of(self._widths)

    def group_prices(self) -> Mapping[str, Numbers]:
        """Give the distribution of the estimated prices in each group."""
        return {group: Numbers.of(counts) for group, counts in sorted(self._group_prices.items())}
