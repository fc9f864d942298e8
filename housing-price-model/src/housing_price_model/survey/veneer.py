"""Masonry veneer: the survey's word "None" and a blank cell mean the same for a house without masonry area.

"None" is a category of the survey, but common tools read the word as a missing value: pandas does by default, and a
file that it saves again has a blank cell there.
"""

from collections.abc import Sequence
from typing import Any, Final

TYPE: Final = "MasVnrType"
AREA: Final = "MasVnrArea"
NO_VENEER: Final = "None"


def name_veneer(types: Sequence[Any], areas: Sequence[Any]) -> list[Any]:
    """Return the types of veneer, with "None" for each blank one whose area is blank or zero."""
    return [
        NO_VENEER if _is_blank(kind) and (_is_blank(area) or area in {0, "0"}) else kind
        for kind, area in zip(types, areas, strict=True)
    ]


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and value != value)  # noqa: PLR0124 - NaN
