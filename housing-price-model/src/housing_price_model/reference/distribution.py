"""Value counts of a column: enough to compare two samples without keeping their rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from housing_price_model.artefact.served import Floats

type Counts = npt.NDArray[np.int64]

MAX_POINTS: Final = 2_048
"""Maximum number of points in a stored distribution; every column of the Ames data has fewer distinct values."""

BINS: Final = 10
"""Deciles, as PSI's rule of thumb assumes (Siddiqi 2006, "Credit Risk Scorecards")."""


@dataclass(frozen=True)
class NumericDistribution:
    """The distribution of a numeric column."""

    values: Floats
    """The distinct values, ascending; shape (k,)."""
    counts: Counts
    """The count of each value; shape (k,)."""
    missing: int = 0
    """Number of rows without a value."""

    @classmethod
    def of(cls, counts: Mapping[float | None, int]) -> Self:
        """Create from counts per value; None counts as missing."""
        present = sorted((value, count) for value, count in counts.items() if value is not None)
        values = np.array([value for value, _ in present], dtype=np.float64)
        return cls(values, np.array([count for _, count in present], dtype=np.int64), counts.get(None, 0))

    @classmethod
    def of_sample(cls, sample: Iterable[float], digits: int | None = None) -> Self:
        """Create from a sample; NaN counts as missing. `digits` rounds the values, as in `round`."""
        cells = np.asarray(list(sample), dtype=np.float64)
        blank = np.isnan(cells)
        present = cells[~blank] if digits is None else np.round(cells[~blank], digits)
        values, counts = np.unique(present, return_counts=True)
        return cls(values, counts.astype(np.int64), int(blank.sum()))

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return int(self.counts.sum())

    @property
    def total(self) -> int:
        """Number of rows, with or without a value."""
        return self.present + self.missing

    def quantiles(self, shares: Iterable[float]) -> Floats:
        """Return, for each share, the smallest value that at least this share of the values does not exceed."""
        reached = np.cumsum(self.counts) / max(self.present, 1)
        at = np.searchsorted(reached, np.asarray(list(shares)) - 1e-12)
        quantiles: Floats = self.values[np.minimum(at, len(self.values) - 1)]
        return quantiles

    def share_up_to(self, points: Floats) -> Floats:
        """Return, for each point, the share of values up to it (the empirical distribution function)."""
        reached = np.concatenate([[0], np.cumsum(self.counts)]) / max(self.present, 1)
        shares: Floats = reached[np.searchsorted(self.values, points, side="right")]
        return shares

    def edges(self) -> Floats:
        """Return the distinct deciles e1 to ek, for the bins (-inf, e1], (e1, e2], ..., (ek, inf).

        Repeated values can make deciles equal, and so reduce the number of bins.
        """
        if not self.present:
            return np.empty(0)
        return np.unique(self.quantiles(np.arange(1, BINS) / BINS))

    def binned(self, edges: Floats) -> Counts:
        """Count the values in each bin; shape (len(edges) + 1,)."""
        bins = np.searchsorted(edges, self.values, side="left")
        return np.bincount(bins, weights=self.counts, minlength=len(edges) + 1).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """Convert to the stored form; more than `MAX_POINTS` values are reduced to evenly spaced quantiles."""
        values, counts = self.values, self.counts
        if len(values) > MAX_POINTS:
            upto = np.unique(np.linspace(0, self.present, MAX_POINTS + 1).round().astype(np.int64))[1:]
            at = np.searchsorted(np.cumsum(counts), upto)
            values, counts = values[at], np.diff(upto, prepend=0)
        whole = [int(value) if value.is_integer() else value for value in values.tolist()]
        return {
            "missing": self.missing,
            "edges": self.edges().tolist(),
            "values": whole,
            "counts": counts.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Create from the stored form.

        Raises:
            ValueError: The stored form is invalid.
        """
        values = np.array(stored["values"], dtype=np.float64)
        counts = np.array(stored["counts"], dtype=np.int64)
        if values.shape != counts.shape or (counts <= 0).any() or (np.diff(values) < 0).any():
            raise ValueError("values must be ascending, each with a positive count")
        return cls(values, counts, int(stored["missing"]))


@dataclass(frozen=True)
class CategoricalDistribution:
    """The distribution of a categorical column."""

    counts: Mapping[str, int]
    """The count of each category, sorted by category."""
    missing: int = 0
    """Number of rows without a value."""

    @classmethod
    def of(cls, counts: Mapping[str | None, int]) -> Self:
        """Create from counts per category; None counts as missing."""
        present = {word: counts[word] for word in sorted(word for word in counts if word is not None)}
        return cls(present, counts.get(None, 0))

    @classmethod
    def of_sample(cls, sample: Iterable[str | None]) -> Self:
        """Create from a sample; None counts as missing."""
        return cls.of(Counter(sample))

    @property
    def present(self) -> int:
        """Number of rows with a category."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """Number of rows, with or without a category."""
        return self.present + self.missing

    def to_json(self) -> dict[str, Any]:
        """Convert to the stored form."""
        return {"missing": self.missing, "counts": dict(self.counts)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Create from the stored form."""
        return cls({str(word): int(count) for word, count in stored["counts"].items()}, int(stored["missing"]))
