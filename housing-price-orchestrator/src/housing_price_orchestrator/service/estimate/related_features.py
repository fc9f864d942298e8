"""Features that depend on each other: a completed house takes each set of them from one sold house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

type Features = dict[str, Any]
"""Values by the name of the field of `House`; None for a feature that the house does not have."""


@dataclass(frozen=True)
class Equipment:
    """Something that a house has or has not: without it, all its features have their values in `absent`."""

    absent: Mapping[str, Any]
    """The value of each feature if the house does not have it."""
    signs: frozenset[str]
    """The features whose absence means that the house does not have it; others may be 0 or null anyway."""

    def is_in(self, features: Mapping[str, Any]) -> bool | None:
        """Return whether a house has it; None if `features` do not tell."""
        given = self.absent.keys() & features.keys()
        if any(features[name] not in (None, self.absent[name]) for name in given):
            return True
        return False if given & self.signs else None


EQUIPMENT: Final = (
    Equipment(
        {
            "bsmt_qual": None,
            "bsmt_cond": None,
            "bsmt_exposure": None,
            "bsmt_fin_type1": None,
            "bsmt_fin_sf1": 0.0,
            "bsmt_fin_type2": None,
            "bsmt_fin_sf2": 0.0,
            "bsmt_unf_sf": 0.0,
            "total_bsmt_sf": 0.0,
            "bsmt_full_bath": 0,
            "bsmt_half_bath": 0,
        },
        frozenset({"bsmt_qual", "bsmt_cond", "bsmt_fin_type1", "total_bsmt_sf"}),
    ),
    Equipment(
        {
            "garage_type": None,
            "garage_yr_blt": None,
            "garage_finish": None,
            "garage_cars": 0,
            "garage_area": 0.0,
            "garage_qual": None,
            "garage_cond": None,
        },
        frozenset({"garage_type", "garage_finish", "garage_cars", "garage_area", "garage_qual", "garage_cond"}),
    ),
    Equipment({"fireplaces": 0, "fireplace_qu": None}, frozenset({"fireplaces", "fireplace_qu"})),
    Equipment({"pool_area": 0.0, "pool_qc": None}, frozenset({"pool_area", "pool_qc"})),
    Equipment({"mas_vnr_type": "None", "mas_vnr_area": 0.0}, frozenset({"mas_vnr_type", "mas_vnr_area"})),
    Equipment({"misc_feature": None, "misc_val": 0.0}, frozenset({"misc_feature", "misc_val"})),
)
"""Basement, garage, fireplaces, pool, veneer, and the miscellaneous feature."""

FLOORS: Final = ("first_flr_sf", "second_flr_sf", "low_qual_fin_sf")
"""The parts of the living area."""

BASEMENT_PARTS: Final = ("bsmt_unf_sf", "bsmt_fin_sf1", "bsmt_fin_sf2")
"""The parts of the basement area."""

MATCHED: Final[Sequence[tuple[str, ...]]] = (
    ("ms_sub_class", "bldg_type", "house_style"),
    ("neighborhood", "ms_zoning"),
    ("exterior_1st", "exterior_2nd"),
)
"""Words that go together: those that are not known come from a sold house that has the known ones."""

STYLE: Final = MATCHED[0]
"""The words on which the floors depend."""
