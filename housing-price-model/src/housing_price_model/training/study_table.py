"""Ratio studies as rows of a table, for model cards and for the command line."""

from collections.abc import Mapping
from typing import Any, Final

STUDY_COLUMNS: Final = (
    "sales",
    "number",
    "median ratio",
    "COD, %",
    "PRD",
    "PRB",
    "within 5 %",
    "within 10 %",
    "within 20 %",
    "FSD",
)
"""Headings of `study_cells`; FSD is the forecast standard deviation."""


def study_cells(study: Mapping[str, Any]) -> list[str]:
    """Return one ratio study as the cells of a row: see `STUDY_COLUMNS`."""

    def interval(name: str, digits: int) -> str:
        measure = study[name]
        if measure is None:
            return ""
        value = f"{measure['value']:.{digits}f}"
        bounds = f" ({measure['low']:.{digits}f} to {measure['high']:.{digits}f})" if measure["low"] is not None else ""
        return value + bounds

    deviation = study["forecast_standard_deviation"]
    return [
        study["name"],
        f"{study['sales']:,}",
        interval("median_ratio", 3),
        interval("cod", 1),
        interval("prd", 3),
        interval("prb", 3),
        *(f"{100 * study[name]:.0f} %" for name in ("within_5", "within_10", "within_20")),
        "" if deviation is None else f"{deviation:.3f}",
    ]
