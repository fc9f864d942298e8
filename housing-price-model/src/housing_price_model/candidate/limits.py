"""The limits of the gate, and of the data that goes in front of it."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, Self

from housing_price_model.errors import CandidateError


@dataclass(frozen=True)
class Limits:
    """What data and a candidate have to keep; every comparison is over the same houses, none of them seen.

    Attributes:
        least_houses: So many houses have to be there.
        max_duplicates: At most this share of the houses may stand there twice, price and all.
        max_missing_rise: A column may be blank at most so much more often than in the last training set, as a share of
            the rows.
        max_psi: A column's distribution may differ at most so much from the last training set. From 0.25 on a shift is
            major, and often the very reason to train; far above, the column more likely means something else.
        max_median_ratio: The median sale price may be so many times that of the last training set, or its inverse:
            thousands or cents in place of dollars are beyond it.
        max_rmsle: The error of the log price, whoever else is worse.
        least_coverage: The share of sale prices inside their 90 % interval should be at least this,
        most_coverage: and at most this: beyond, intervals are wider than they need to be.
        max_rmsle_ratio: The error of the log price, as a share of the champion's.
        max_mae_ratio: The mean absolute error, as a share of the champion's.
        max_width_ratio: The median width of the interval, as a share of the champion's.
        max_group_rmsle_ratio: The error in each neighbourhood and price band, as a share of the champion's there.
        least_group_z: A group is refused only if the candidate is worse there by more than chance explains, too: by so
            many standard errors (`groups.worse_by`). The source: about 35 neighbourhoods and price bands are judged at
            once, and 2.98 is the normal quantile of 1 - 0.05 / 35. By Bonferroni a candidate that is worse nowhere is
            then refused by any of them in at most about 5 % of trainings. 0 judges by `max_group_rmsle_ratio` alone.
        least_group_houses: Groups with fewer houses are reported and not judged: chance alone moves the error more.
    """

    least_houses: int = 200
    max_duplicates: float = 0.005
    max_missing_rise: float = 0.2
    max_psi: float = 1.0
    max_median_ratio: float = 3.0
    max_rmsle: float = 0.15
    least_coverage: float = 0.87
    most_coverage: float = 0.93
    max_rmsle_ratio: float = 1.01
    max_mae_ratio: float = 1.02
    max_width_ratio: float = 1.1
    max_group_rmsle_ratio: float = 1.15
    least_group_z: float = 2.98
    least_group_houses: int = 30

    def to_json(self) -> dict[str, Any]:
        """Give them by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any], where: str = "limits") -> Self:
        """Take limits by name; what is not given is as it is by default.

        Raises:
            CandidateError: there is no such limit, or its value is none.
        """
        kinds = {field.name: type(getattr(cls, field.name)) for field in fields(cls)}
        if unknown := given.keys() - kinds.keys():
            raise CandidateError(
                f"{where}: there is no limit {', '.join(sorted(unknown))}; there are {', '.join(kinds)}"
            )
        for name, value in given.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not is_number or not isfinite(value) or value < 0 or (kinds[name] is int and value != int(value)):
                what = "a whole number" if kinds[name] is int else "a number"
                raise CandidateError(f"{where}: {name} should be {what} from 0 on, and not {value!r}")
        return cls(**{name: kinds[name](value) for name, value in given.items()})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file with limits by name.

        Raises:
            CandidateError: it cannot be read, or holds something else.
        """
        try:
            return cls.from_json(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
        except OSError as exc:
            raise CandidateError(f"{path}: cannot be read ({exc.strerror})") from exc
        except ValueError as exc:
            raise CandidateError(f"{path}: is no TOML file ({exc})") from exc
