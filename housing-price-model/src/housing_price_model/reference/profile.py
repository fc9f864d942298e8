"""The reference profile: distributions of a model's training data and of its answers for them.

The profile is stored with the model (`artifacts/profile.json`) and covered by its digest. It does not affect prices, so
`model_id` does not depend on it. `docs/drift.md` documents the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import orjson
import pandas as pd

from housing_price_model.artefact.kinds import PROFILE
from housing_price_model.errors import ArtefactError
from housing_price_model.fitting.evaluate import CrossValidation
from housing_price_model.reference.distribution import CategoricalDistribution, NumericDistribution
from housing_price_model.reference.tally import GROUP, Tally
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

VERSION: Final = 1
"""Format version of the file; readers reject any other version."""

_ERROR_DIGITS: Final = 4


@dataclass(frozen=True)
class Profile:
    """Distributions of the training data and of the model's answers."""

    model_id: str
    """The model that the profile belongs to."""
    houses: int
    """Number of training houses."""
    numbers: Mapping[str, NumericDistribution]
    """Distribution of each numeric column, by column."""
    categories: Mapping[str, CategoricalDistribution]
    """Distribution of each categorical column, by column."""
    sale_prices: NumericDistribution
    """Sale prices of the training houses, in US dollars."""
    prices: NumericDistribution
    """The model's prices for the training houses, in US dollars."""
    widths: NumericDistribution
    """Interval widths, as log(high / low)."""
    group_prices: Mapping[str, NumericDistribution]
    """`prices` by neighbourhood."""
    errors: NumericDistribution
    """Absolute held-out errors of the log price, from cross-validation."""
    covered: int
    """Number of sale prices inside their held-out interval."""

    @classmethod
    def of(cls, houses: Houses, answers: pd.DataFrame, validation: CrossValidation) -> Self:
        """Build the profile from n houses, the model's answers for them (n rows) and its held-out estimates."""
        tally = Tally()
        tally.add(COLUMNS, cells_of(houses.features), answers[["price", "low", "high"]].to_numpy().tolist())
        held_out = validation.estimates
        inside = (held_out.low <= houses.prices) & (houses.prices <= held_out.high)
        return cls(
            model_id=str(answers["model_id"].iloc[0]),
            houses=len(houses),
            numbers=tally.numbers(),
            categories=tally.categories(),
            sale_prices=NumericDistribution.of_sample(houses.prices),
            prices=tally.prices(),
            widths=tally.widths(),
            group_prices=tally.group_prices(),
            errors=NumericDistribution.of_sample(np.abs(validation.errors), _ERROR_DIGITS),
            covered=int(inside.sum()),
        )

    def to_json(self) -> bytes:
        """Serialize to the bytes of the file; equal profiles give equal bytes."""
        return orjson.dumps(
            {
                "version": VERSION,
                "model_id": self.model_id,
                "houses": self.houses,
                "numbers": {name: numbers.to_json() for name, numbers in self.numbers.items()},
                "categories": {name: category.to_json() for name, category in self.categories.items()},
                "sale_prices_usd": self.sale_prices.to_json(),
                "prices_usd": self.prices.to_json(),
                "interval_log_widths": self.widths.to_json(),
                "group": GROUP,
                "group_prices_usd": {group: prices.to_json() for group, prices in self.group_prices.items()},
                "held_out_log_errors": self.errors.to_json(),
                "held_out_covered": self.covered,
            }
        )


def cells_of(features: pd.DataFrame) -> list[list[Any]]:
    """Convert a DataFrame to rows as the prediction log stores them, with None for a missing value."""
    cells = features.astype(object)
    rows: list[list[Any]] = cells.where(cells.notna(), None).to_numpy().tolist()
    return rows


def read_profile(model: Path) -> Profile:
    """Read the profile from a model folder whose digest was checked.

    Raises:
        ArtefactError: The profile is missing, invalid or of another version.
    """
    path = model / "artifacts" / f"{PROFILE}.json"
    try:
        stored = orjson.loads(path.read_bytes())
        if stored["version"] != VERSION:
            raise ArtefactError(f"{path}: unsupported version {stored['version']}, expected {VERSION}")
        return Profile(
            model_id=stored["model_id"],
            houses=stored["houses"],
            numbers={name: NumericDistribution.from_json(one) for name, one in stored["numbers"].items()},
            categories={name: CategoricalDistribution.from_json(one) for name, one in stored["categories"].items()},
            sale_prices=NumericDistribution.from_json(stored["sale_prices_usd"]),
            prices=NumericDistribution.from_json(stored["prices_usd"]),
            widths=NumericDistribution.from_json(stored["interval_log_widths"]),
            group_prices={name: NumericDistribution.from_json(one) for name, one in stored["group_prices_usd"].items()},
            errors=NumericDistribution.from_json(stored["held_out_log_errors"]),
            covered=stored["held_out_covered"],
        )
    except FileNotFoundError as error:
        raise ArtefactError(f"{model}: has no reference profile; retrain the model") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{path}: not a valid reference profile ({error})") from error
