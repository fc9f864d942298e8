"""Held-out estimates of a training run, stored for later comparisons.

A champion was trained on most of the houses that a challenger is evaluated on, so its own prices for them are too
optimistic. Its cross-validation estimates are not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import orjson
import pandas as pd

from housing_price_model.errors import ArtefactError
from housing_price_model.fitting.evaluate import Estimates
from housing_price_model.reference.profile import cells_of
from housing_price_model.survey.data import Houses

HELD_OUT: Final = "held_out.json"
VERSION: Final = 1


def fingerprints(features: pd.DataFrame) -> Sequence[str]:
    """Hash the 79 values of each house; equal houses have equal fingerprints in any file."""
    return [hashlib.sha256(orjson.dumps(row)).hexdigest()[:24] for row in cells_of(features)]


@dataclass(frozen=True)
class HeldOut:
    """Held-out price, low and high in US dollars of each house, by its fingerprint."""

    estimates: Mapping[str, tuple[float, float, float]]

    @classmethod
    def of(cls, houses: Houses, estimates: Estimates) -> Self:
        """Create from the estimates of a cross-validation; the first of several equal houses is used."""
        columns = (estimates.price.tolist(), estimates.low.tolist(), estimates.high.tolist())
        by_fingerprint: dict[str, tuple[float, float, float]] = {}
        for fingerprint, price, low, high in zip(fingerprints(houses.features), *columns, strict=True):
            by_fingerprint.setdefault(fingerprint, (price, low, high))
        return cls(by_fingerprint)

    def write(self, path: Path) -> None:
        """Write the estimates to a JSON file."""
        path.write_bytes(orjson.dumps({"version": VERSION, "estimates_usd": self.estimates}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the estimates from a JSON file.

        Raises:
            ArtefactError: The file is invalid or of another version.
        """
        try:
            stored = orjson.loads(path.read_bytes())
            if stored["version"] != VERSION:
                raise ArtefactError(f"{path}: unsupported version {stored['version']}, expected {VERSION}")
            return cls(
                {str(name): (float(p), float(lo), float(hi)) for name, (p, lo, hi) in stored["estimates_usd"].items()}
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(f"{path}: not valid held-out estimates ({error})") from error
