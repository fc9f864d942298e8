"""What models said of houses that they had not seen, kept with a run for later comparisons.

A champion was trained on most of the houses that its challenger is measured on. Its own prices of them would look too
good; what its cross-validation said of them does not.
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
    """Name each house by its 79 values: equal houses have the same name, in whatever file they stand."""
    return [hashlib.sha256(orjson.dumps(row)).hexdigest()[:24] for row in cells_of(features)]


@dataclass(frozen=True)
class HeldOut:
    """Price, low and high in US dollars of each house by its fingerprint, made by models that had not seen it."""

    estimates: Mapping[str, tuple[float, float, float]]

    @classmethod
    def of(cls, houses: Houses, estimates: Estimates) -> Self:
        """Take the estimates of a cross-validation; of equal houses the first one counts."""
        columns = (estimates.price.tolist(), estimates.low.tolist(), estimates.high.tolist())
        found: dict[str, tuple[float, float, float]] = {}
        for name, price, low, high in zip(fingerprints(houses.features), *columns, strict=True):
            found.setdefault(name, (price, low, high))
        return cls(found)

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(orjson.dumps({"version": VERSION, "estimates_usd": self.estimates}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ArtefactError: it is none, or one of another version.
        """
        try:
            stored = orjson.loads(path.read_bytes())
            if stored["version"] != VERSION:
                raise ArtefactError(f"{path}: has version {stored['version']}; this program reads {VERSION}")
            return cls(
                {str(name): (float(p), float(lo), float(hi)) for name, (p, lo, hi) in stored["estimates_usd"].items()}
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ArtefactError(f"{path}: cannot be read as held-out estimates ({exc})") from exc
