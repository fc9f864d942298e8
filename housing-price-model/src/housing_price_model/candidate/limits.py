"""Limits for the training data and for the promotion gate."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, Self

from housing_price_model.errors import CandidateError
from housing_price_survey.ratio_study import MAX_COD, MEDIAN_RATIO_RANGE, PRB_RANGE, PRD_RANGE


@dataclass(frozen=True)
class Limits:
    """Limits for the training data and the candidate; models are compared on the same out-of-sample houses."""

    least_houses: int = 200
    """Minimum number of houses."""
    max_duplicates: float = 0.005
    """Maximum share of houses that occur more than once, including the price."""
    max_missing_rise: float = 0.2
    """Maximum rise of a column's share of missing values over the last training set."""
    max_psi: float = 1.0
    """Maximum population stability index of a column against the last training set. A shift from 0.25 is major and
    often the reason to retrain; far above, the column probably has a different meaning."""
    max_median_ratio: float = 3.0
    """Maximum ratio of the median sale price to that of the last training set, or its inverse. It detects prices in
    cents or in thousands of dollars."""
    max_rmsle: float = 0.15
    """Maximum RMSLE (root mean squared error of the log price), independent of the champion."""
    least_coverage: float = 0.87
    """Minimum share of sale prices inside their 90 % interval."""
    most_coverage: float = 0.93
    """Maximum share of sale prices inside their 90 % interval; above it, intervals are too wide."""
    least_median_ratio: float = MEDIAN_RATIO_RANGE[0]
    """Minimum median ratio of estimate to sale price. This and the next five limits are those of the IAAO
    (`housing_price_survey.ratio_study`). A measure fails only if its whole 95 % confidence interval is beyond the
    limit."""
    most_median_ratio: float = MEDIAN_RATIO_RANGE[1]
    """Maximum median ratio."""
    max_cod: float = MAX_COD
    """Maximum coefficient of dispersion, in %."""
    least_prd: float = PRD_RANGE[0]
    """Minimum price-related differential."""
    most_prd: float = PRD_RANGE[1]
    """Maximum price-related differential."""
    max_prb: float = PRB_RANGE[1]
    """Maximum price-related bias, in either direction."""
    max_rmsle_ratio: float = 1.01
    """Maximum RMSLE as a multiple of the champion's."""
    max_mae_ratio: float = 1.02
    """Maximum mean absolute error as a multiple of the champion's."""
    max_width_ratio: float = 1.1
    """Maximum median interval width as a multiple of the champion's."""
    max_group_rmsle_ratio: float = 1.15
    """Maximum RMSLE in a neighbourhood or price band as a multiple of the champion's there."""
    least_group_z: float = 2.98
    """A group fails only if the candidate is also worse there beyond chance: by this many standard errors
    (`groups.paired_z`). About 35 groups are tested at once, and 2.98 is the normal quantile of 1 - 0.05 / 35
    (Bonferroni): a candidate that is worse in no group fails in at most about 5 % of trainings. 0 applies
    `max_group_rmsle_ratio` alone."""
    least_group_houses: int = 30
    """Smaller groups are reported but not checked, because their error varies too much by chance."""

    def to_json(self) -> dict[str, Any]:
        """Return the limits by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any], where: str = "limits") -> Self:
        """Parse limits by name; missing ones keep their defaults.

        Raises:
            CandidateError: a limit is unknown or its value is invalid.
        """
        kinds = {field.name: type(getattr(cls, field.name)) for field in fields(cls)}
        if unknown := given.keys() - kinds.keys():
            raise CandidateError(
                f"{where}: unknown limit {', '.join(sorted(unknown))}; valid limits: {', '.join(kinds)}"
            )
        for name, value in given.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not isfinite(value) or value < 0 or (kinds[name] is int and value != int(value)):
                what = "a whole number" if kinds[name] is int else "a number"
                raise CandidateError(f"{where}: {name} must be {what} of at least 0, not {value!r}")
        return cls(**{name: kinds[name](value) for name, value in given.items()})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read limits from a TOML file.

        Raises:
            CandidateError: the file cannot be read or is invalid.
        """
        try:
            return cls.from_json(tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path))
        except OSError as error:
            raise CandidateError(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise CandidateError(f"{path}: not a valid TOML file ({error})") from error
