"""The comparables model as it is served: rows of the survey in, the most similar sold houses out.

MLflow stores this file with each model and runs it wherever the model is loaded ("models from code"), so that nothing
is unpickled and this package need not be installed there. It therefore imports nothing of ours. Training and evaluation
find the neighbours with the same functions, so the two cannot drift apart. The sold houses are arrays of plain numbers
(`.npy`), everything else is in `spec.json`.

**A row's answer does not depend on the rows beside it.** A distance is a sum over columns in a fixed order, computed
element by element, so that it has the same bits alone and in any batch.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

type Floats = npt.NDArray[np.float64]
type Positions = npt.NDArray[np.int64]

NO_SALE = -1
"""Stands for the position of a sale where there are fewer sales than requested."""

CONDITION = "SaleCondition"
"""The column with the condition of a sale."""

DEFAULT_K, MAX_K = 6, 50
"""Number of comparables of a row."""

ARRAYS = ("categories", "numbers", "prices", "ids", "pids")
"""The names of the artefacts with the m sold houses: their words (m, word columns) as positions among the declared
categories, -1 for blank; their numbers (m, number columns), NaN for blank; sale prices; row ids; parcel numbers."""

COMMON_NUMBERS = frozenset({float, int, NoneType})
"""The types of nearly all values in columns of numbers. `bool` is left out, so that truth values are refused."""

# The distances of these rows fit in the cache of a processor core.
_ROWS_AT_A_TIME = 32


class Encoder:
    """Turns named columns into numbers: a category into its position among the declared ones, blank into NaN."""

    def __init__(
        self,
        columns: Sequence[str],
        categories: Mapping[str, Sequence[Any]],
        optional: Collection[str],
        blanks: Mapping[str, Any],
    ) -> None:
        """Create an encoder.

        Args:
            columns: The columns, in the order of the encoded values.
            categories: The categories of each column of words.
            optional: The columns that may be blank or missing.
            blanks: The category that a blank means, for the columns in which it means one.
        """
        self.columns = tuple(columns)
        self.categories = {name: tuple(values) for name, values in categories.items()}
        self._optional = frozenset(optional)
        self._blanks = {name: float(self.categories[name].index(value)) for name, value in blanks.items()}
        self._positions: dict[str, dict[Any, float]] = {
            name: dict.fromkeys((None, np.nan), self._blanks.get(name, np.nan))
            | {value: float(i) for i, value in enumerate(values)}
            for name, values in self.categories.items()
        }

    def encode(self, frame: pd.DataFrame, known: Collection[str] = ()) -> Floats:
        """Encode a frame of n rows as (n, columns), blank as NaN.

        Args:
            frame: The rows, with their columns in any order.
            known: The columns that have values; all others may be blank or missing. Empty: all have values.

        Raises:
            ValueError: a column is missing, a required value is blank, a category is unknown, or a number is text or
                a truth value (nothing is coerced).
        """
        # One conversion for all columns: taking them out of a frame one by one takes longer than the rest of the work.
        cells = dict(zip(frame.columns, frame.to_numpy(dtype=object).T, strict=True))
        required = frozenset(known or self.columns) - self._optional
        values = np.full((len(self.columns), len(frame)), np.nan)
        for row, name in zip(values, self.columns, strict=True):
            if name in cells:
                row[:] = self._numbers(name, cells[name])
            elif name in required:
                raise ValueError(f"{name}: the column is missing")
        blank = np.isnan(values).any(axis=1)
        for name in np.array(self.columns)[blank].tolist():
            if name in required:
                raise ValueError(f"{name}: a value is missing")
        return np.ascontiguousarray(values.T)

    def _numbers(self, name: str, cells: npt.NDArray[np.object_]) -> Sequence[float] | Floats:
        positions = self._positions.get(name)
        given = cells.tolist()
        try:
            if positions is not None:
                return [positions[cell] for cell in given]
            # NumPy would convert "8450" and True to numbers. A check of the types costs far less than one of each cell.
            if COMMON_NUMBERS.issuperset(map(type, given)):
                return cells.astype(np.float64)
        except (KeyError, TypeError, OverflowError):
            pass
        # At least one value has an unusual type or is invalid: convert them one by one.
        return [self._number(name, cell) for cell in given]

    def _number(self, name: str, cell: Any) -> float:
        if pd.api.types.is_scalar(cell) and pd.isna(cell):
            return self._blanks.get(name, float(np.nan))
        if name not in self._positions:
            if isinstance(cell, bool) or not isinstance(cell, Real):
                raise ValueError(f"{name}: {cell!r} is not a number")
            try:
                return float(cell)
            except OverflowError:
                raise ValueError(f"{name}: a number of this size cannot be used") from None
        for known, position in self._positions[name].items():
            if known is not None and cell == known:
                return position
        raise ValueError(f"{name}: {cell!r} is not one of {', '.join(map(str, self.categories[name]))}")


class Distance:
    """The distance between two houses: `sqrt(sum((weight * difference)**2))` over the columns of the distance.

    The difference of two numbers is counted in standard deviations, after a logarithm where the column says so; that
    of two words is 0 or 1. It is symmetric, and zero for houses that are equal in these columns. The weights and their
    source are in `comparables/distance.py`.

    Attributes:
        names: The columns of the distance.
    """

    def __init__(self, columns: Sequence[str], measures: Sequence[Mapping[str, Any]]) -> None:
        """Create a distance over encoded rows.

        Args:
            columns: The encoded columns.
            measures: `column`, `kind` (`number`, `log` or `word`), `weight`, `scale`, `lowest` and `highest` of each
                column of the distance.
        """
        self.names = tuple(measure["column"] for measure in measures)
        self._positions = [columns.index(name) for name in self.names]
        self._kinds = [measure["kind"] for measure in measures]
        self._weights, self._scales, self._lowest, self._highest = (
            np.array([measure[key] for measure in measures], dtype=np.float64)
            for key in ("weight", "scale", "lowest", "highest")
        )

    def coordinates(self, values: Floats) -> Floats:
        """Turn (n, columns) encoded rows into (columns of the distance, n) coordinates; a blank counts as 0.

        A number is multiplied by its weight; a word stays its position among the categories. Numbers outside the range
        of the sold houses count as the nearest value inside it, as for the price.
        """
        chosen = values[:, self._positions]
        chosen = np.clip(np.where(np.isnan(chosen), 0.0, chosen), self._lowest, self._highest)
        coordinates = np.ascontiguousarray(chosen.T)
        for place, kind in enumerate(self._kinds):
            if kind == "log":
                coordinates[place] = np.log1p(coordinates[place])
            if kind != "word":
                coordinates[place] *= self._weights[place] / self._scales[place]
        return coordinates

    def between(self, some: Floats, others: Floats, known: Collection[str] = ()) -> Floats:
        """Compute the (n, m) distances between two sets of coordinates.

        Args:
            some: Coordinates of n houses.
            others: Coordinates of m houses.
            known: The columns that count; empty: all.
        """
        total = np.zeros((some.shape[1], others.shape[1]))
        for name, kind, weight, one, other in zip(self.names, self._kinds, self._weights, some, others, strict=True):
            if known and name not in known:
                continue
            if kind == "word":
                total += (one[:, np.newaxis] != other) * (weight * weight)
            else:
                difference = one[:, np.newaxis] - other
                difference *= difference
                total += difference
        return np.sqrt(total, out=total)


class Neighbours:
    """Sold houses, and the search for those nearest to a house."""

    def __init__(self, distance: Distance, values: Floats, ranks_last: npt.NDArray[np.bool_]) -> None:
        """Prepare the search.

        Args:
            distance: The distance.
            values: The (m, columns) encoded sold houses.
            ranks_last: Whether each sale follows all others, however near it is; shape (m,).
        """
        # The sales that rank last stand behind the others, so that both parts are slices.
        self._order = np.argsort(ranks_last, kind="stable")
        self._parts = (slice(0, int(np.sum(~ranks_last))), slice(int(np.sum(~ranks_last)), len(values)))
        self._distance = distance
        self._sold = distance.coordinates(values[self._order])
        self._condition = distance.names.index(CONDITION) if CONDITION in distance.names else None
        self._identities = _identities(values[self._order])

    def nearest(self, values: Floats, k: int, known: Collection[str] = ()) -> tuple[Positions, Floats]:
        """Find the k sales nearest to each of n encoded houses.

        A sale that is equal to the house in every column is left out: it is the house itself. Sales at equal distances
        are in the order of the data.

        Args:
            values: The (n, columns) encoded houses.
            k: Number of sales.
            known: The columns that count; empty: all.

        Returns:
            The positions of the sales, nearest first, and their distances, both of shape (n, k). Where there are fewer
            sales, the last positions are `NO_SALE` and their distances infinite.

        Raises:
            ValueError: None of the known columns is one of the distance.
        """
        if known and not set(known) & set(self._distance.names):
            raise ValueError(f"known: none of these columns is in the distance: {', '.join(self._distance.names)}")
        coordinates, identities = self._distance.coordinates(values), _identities(values)
        positions = np.full((len(values), k), NO_SALE, dtype=np.int64)
        distances = np.full((len(values), k), np.inf)
        for start in range(0, len(values), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            between = self._distance.between(coordinates[:, rows], self._sold, known)
            for row, (of_house, identity) in enumerate(zip(between, identities[rows], strict=True), start=start):
                found = self._first(of_house, identity, self._is_last_for(coordinates[:, row], known), k)
                positions[row, : len(found)] = self._order[found]
                distances[row, : len(found)] = of_house[found]
        return positions, distances

    def _is_last_for(self, house: Floats, known: Collection[str]) -> Positions | None:
        """Return the places of the sales that rank last for a house, or None if they are the second part.

        Sales under the same condition as the house never rank last for it.
        """
        if self._condition is None or (known and CONDITION not in known):
            return None
        last = self._parts[1]
        is_other = self._sold[self._condition, last] != house[self._condition]
        return None if is_other.all() else last.start + np.flatnonzero(is_other)

    def _first(self, distances: Floats, identity: Floats, last: Positions | None, k: int) -> Positions:
        """Return the places of the first k sales of one house in `_order`; `last` is that of `_is_last_for`."""
        equal = np.flatnonzero(distances == 0.0)
        distances[equal[(self._identities[equal] == identity).all(axis=1)]] = np.inf
        if last is None:
            found = _smallest(distances[self._parts[0]], k)
            last = np.arange(self._parts[1].start, self._parts[1].stop) if len(found) < k else np.empty(0, np.int64)
        else:
            others = distances.copy()
            others[last] = np.inf
            found = _smallest(others, k)
        if len(found) == k:
            return found
        return np.concatenate([found, last[_smallest(distances[last], k - len(found))]])


def _smallest(distances: Floats, count: int) -> Positions:
    """Return the positions of the smallest finite distances in order, equal ones in the order of the positions."""
    count = min(count, len(distances))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    limit = np.partition(distances, count - 1)[count - 1]
    near = np.flatnonzero(distances <= limit)
    nearest = near[np.argsort(distances[near], kind="stable")[:count]]
    return nearest[np.isfinite(distances[nearest])]


def _identities(values: Floats) -> Floats:
    """Replace blanks by a number that no column holds, so that two blanks are equal."""
    return np.where(np.isnan(values), -np.inf, values)


class ComparablesModel(PythonModel):
    """Finds sold houses: `sales`, nearest first, `blend`, how a value weighs them, and `model_id`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the artefacts that training wrote."""
        spec = json.loads(Path(context.artifacts["spec"]).read_text(encoding="utf-8"))
        arrays = {name: np.load(context.artifacts[name], allow_pickle=False) for name in ARRAYS}
        self._encoder = Encoder(spec["columns"], spec["categories"], spec["optional"], spec["blanks"])
        features = _features(arrays["categories"], arrays["numbers"], self._encoder)
        sold = self._encoder.encode(pd.DataFrame(features, columns=list(self._encoder.columns), dtype=object))
        condition = spec["columns"].index(spec["condition"])
        ranks_last = np.array([row[condition] in spec["ranked_last"] for row in features], dtype=bool)
        self._neighbours = Neighbours(Distance(self._encoder.columns, spec["distance"]), sold, ranks_last)
        positions = {key: spec["columns"].index(spec[key]) for key in ("year", "month", "condition")}
        self._sales = [
            {"id": number, "pid": pid.decode() or None, "price": price}
            | {key: row[position] for key, position in positions.items()}
            for number, pid, price, row in zip(
                arrays["ids"].tolist(), arrays["pids"].tolist(), arrays["prices"].tolist(), features, strict=True
            )
        ]
        self._sold_features = features
        self._blend = spec["blend"]
        self._model_id = spec["model_id"]

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Find the sales nearest to each row.

        Args:
            context: unused; `load_context` has read it.
            model_input: the 79 columns of the survey, in any order; optional ones may be blank or absent.
            params: `k`, the number of sales (1 to 50), and `known`, the columns that have values. With `known` the
                distance uses only these, and all others may be blank. Empty or absent: all columns have values.

        Returns:
            One row per row of the input, in order. `sales`: k dictionaries, fewer if fewer houses were sold, with `id`,
            `pid`, `price` in US dollars, `year`, `month`, `condition`, `distance` (rounded to 6 digits) and `features`,
            the 79 values in the order of the columns; None is blank. `blend`: how a value weighs price and sales.
            `model_id`: the content hash of the model.

        Raises:
            ValueError: a parameter is invalid; see also `Encoder.encode`.
            TypeError: `known` is not a list.
        """
        del context
        k, known = self._parameters(params or {})
        values = self._encoder.encode(model_input, known)
        positions, distances = self._neighbours.nearest(values, min(k, len(self._sales)), known)
        rounded = np.round(distances, 6).tolist()
        sales = [
            [self._sale(position, distance) for position, distance in zip(*row, strict=True) if position != NO_SALE]
            for row in zip(positions.tolist(), rounded, strict=True)
        ]
        return pd.DataFrame(
            {
                "sales": pd.Series(sales, dtype=object),
                "blend": pd.Series([self._blend] * len(sales), dtype=object),
                "model_id": np.full(len(sales), self._model_id, dtype=object),
            }
        )

    def _sale(self, position: int, distance: float) -> dict[str, Any]:
        return {**self._sales[position], "distance": distance, "features": self._sold_features[position]}

    def _parameters(self, params: Mapping[str, Any]) -> tuple[int, frozenset[str]]:
        k, known = params.get("k", DEFAULT_K), params.get("known", ())
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_K:
            raise ValueError(f"k: {k!r} is not an integer from 1 to {MAX_K}")
        if isinstance(known, str) or not isinstance(known, Sequence | np.ndarray):
            raise TypeError(f"known: {known!r} is not a list of columns")
        if unknown := [name for name in known if name not in self._encoder.columns]:
            raise ValueError(f"known: {unknown[0]!r} is not a column of the survey")
        return k, frozenset(known)


def _features(
    categories: npt.NDArray[np.int8], numbers: Floats, encoder: Encoder
) -> list[list[str | int | float | None]]:
    """Return the values of each sold house in the order of the columns; None is blank, whole numbers are integers."""
    words = [column for column in encoder.columns if column in encoder.categories]
    columns: dict[str, list[Any]] = {}
    for name, positions in zip(words, categories.T.tolist(), strict=True):
        known = (*encoder.categories[name], None)
        columns[name] = [known[position] for position in positions]
    others = [column for column in encoder.columns if column not in encoder.categories]
    for name, values in zip(others, numbers.T.tolist(), strict=True):
        columns[name] = [_number_of(value) for value in values]
    return [list(row) for row in zip(*(columns[name] for name in encoder.columns), strict=True)]


def _number_of(value: float) -> int | float | None:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value


set_model(ComparablesModel())
