"""Counts values chunk by chunk, in the same way for training data and for the prediction log."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Final

from housing_price_model.artefact.served import SUBCLASS
from housing_price_model.errors import DataError
from housing_price_model.reference.distribution import CategoricalDistribution, NumericDistribution
from housing_price_model.survey.veneer import AREA, TYPE, name_veneer
from housing_price_survey.columns import CATEGORIES, COLUMNS, NUMBERS

GROUP: Final = "Neighborhood"
"""The column whose groups are compared separately: neighbourhoods show best how the callers change."""

CATEGORICAL_COLUMNS: Final = tuple(name for name in COLUMNS if name in CATEGORIES or name == SUBCLASS)
NUMERIC_COLUMNS: Final = tuple(name for name in NUMBERS if name != SUBCLASS)

# Prices are rounded to 10 USD and widths to 0.001, which bounds the number of distinct values in a long log.
_PRICE_DIGITS: Final = -1
_WIDTH_DIGITS: Final = 3


class Tally:
    """Counts the values of rows and of their estimates.

    Attributes:
        rows: Number of rows counted.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._columns: dict[str, Counter[Any]] = {name: Counter() for name in COLUMNS}
        self._prices: Counter[float | None] = Counter()
        self._widths: Counter[float | None] = Counter()
        self._group_prices: dict[str, Counter[float | None]] = {}

    def add(self, names: Sequence[str], rows: Sequence[Sequence[Any]], estimates: Iterable[Sequence[float]]) -> None:
        """Count rows and their estimates.

        Args:
            names: The columns. Unknown ones are ignored; one that is absent counts as missing.
            rows: Values in the order of `names`; None where a value is missing.
            estimates: Price, low and high of each row, in US dollars.

        Raises:
            DataError: A value is a list or an object.
        """
        self.rows += len(rows)
        cells: dict[str, tuple[Any, ...]] = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        if TYPE in cells and AREA in cells:
            cells[TYPE] = tuple(name_veneer(cells[TYPE], cells[AREA]))
        for name, counter in self._columns.items():
            try:
                counter.update(cells.get(name, (None,) * len(rows)))
            except TypeError as error:
                raise DataError(f"{name}: a list or an object is not a valid value") from error
        groups = cells.get(GROUP, (None,) * len(rows))
        for group, (price, low, high) in zip(groups, estimates, strict=True):
            rounded = round(price, _PRICE_DIGITS)
            self._prices[rounded] += 1
            self._widths[round(log(high / low), _WIDTH_DIGITS)] += 1
            if group is not None:
                self._group_prices.setdefault(group, Counter())[rounded] += 1

    def numbers(self) -> Mapping[str, NumericDistribution]:
        """Return the distribution of each numeric column.

        Raises:
            DataError: A value is not a number.
        """
        for name in NUMERIC_COLUMNS:
            for value in self._columns[name]:
                if value is not None and type(value) not in (int, float):
                    raise DataError(f"{name}: {value!r} is not a number")
        return {name: NumericDistribution.of(self._columns[name]) for name in NUMERIC_COLUMNS}

    def categories(self) -> Mapping[str, CategoricalDistribution]:
        """Return the distribution of each categorical column; the codes of `MSSubClass` become strings.

        Raises:
            DataError: A value is not a string.
        """
        distributions = {}
        for name in CATEGORICAL_COLUMNS:
            counts: Counter[str | None] = Counter()
            for value, count in self._columns[name].items():
                is_code = name == SUBCLASS and type(value) in (int, float)
                if value is not None and not is_code and not isinstance(value, str):
                    raise DataError(f"{name}: {value!r} is not a string")
                counts[str(int(value)) if is_code else value] += count
            distributions[name] = CategoricalDistribution.of(counts)
        return distributions

    def prices(self) -> NumericDistribution:
        """Return the distribution of the estimated prices, in US dollars."""
        return NumericDistribution.of(self._prices)

    def widths(self) -> NumericDistribution:
        """Return the distribution of log(high / low), the relative width of the intervals."""
        return NumericDistribution.of(self._widths)

    def group_prices(self) -> Mapping[str, NumericDistribution]:
        """Return the distribution of the estimated prices of each group, in US dollars."""
        return {group: NumericDistribution.of(counts) for group, counts in sorted(self._group_prices.items())}
