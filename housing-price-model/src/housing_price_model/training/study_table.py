"""The measures of prices and values as tables, for model cards, the command line and `docs/avm.md`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from housing_price_model.training.held_out_measures import HeldOutMeasures

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

VALUATION_COLUMNS: Final = ("measure", "price", "comparables", "value", "value, earlier sales only")
"""Headings of `valuation_rows`."""

_SHARE: Final = "{:.1f} %"

_MEASURES: Final = {
    "rmsle": ("RMSLE", "{:.4f}"),
    "mae_usd": ("mean absolute error, USD", "{:,.0f}"),
    "median_error": ("median error", _SHARE),
    "coverage": ("coverage of the 90 % interval", _SHARE),
    "median_width_usd": ("median width of the interval, USD", "{:,.0f}"),
    "median_ratio": ("median ratio", "{:.3f}"),
    "cod": ("COD, %", "{:.2f}"),
    "prd": ("PRD", "{:.3f}"),
    "prb": ("PRB", "{:.3f}"),
    "within_5": ("within 5 %", _SHARE),
    "within_10": ("within 10 %", _SHARE),
    "within_20": ("within 20 %", _SHARE),
    "forecast_standard_deviation": ("forecast standard deviation", "{:.3f}"),
}

CONFIDENCE_COLUMNS: Final = ("confidence", "forecast standard deviation up to", "houses", "within 10 %")
"""Headings of `confidence_rows`."""


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


def valuation_rows(valuation: Mapping[str, Any]) -> list[list[str]]:
    """Return the measures of price, comparables and value as rows: see `VALUATION_COLUMNS`."""
    columns = [valuation[name] for name in ("price", "comparables", "value", "value_earlier_sales")]
    return [
        [title, *(_shown(column[name], form) if name in column else "" for column in columns)]
        for name, (title, form) in _MEASURES.items()
    ]


def _shown(value: float, form: str) -> str:
    return form.format(100 * value if form == _SHARE else value)


def confidence_rows(valuation: Mapping[str, Any]) -> list[list[str]]:
    """Return the grades of confidence and their hit rates as rows: see `CONFIDENCE_COLUMNS`."""
    limits = valuation["blend"]["confidence"]
    return [
        [
            one["grade"],
            f"{limits[one['grade']]:.3f}" if one["grade"] in limits else "",
            f"{one['houses']:,}",
            "" if one["within_10"] is None else f"{100 * one['within_10']:.1f} %",
        ]
        for one in valuation["confidence"]
    ]


@dataclass(frozen=True)
class MeasureTable:
    """A table of text."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables_of(name: str, measures: HeldOutMeasures) -> list[MeasureTable]:
    """Return all tables of the held-out measures of a version."""
    valuation = measures.valuation
    return [
        MeasureTable(f"{name}, on held-out houses", VALUATION_COLUMNS, valuation_rows(valuation)),
        MeasureTable("Confidence of the value", CONFIDENCE_COLUMNS, confidence_rows(valuation)),
        *(studies_table(f"the {what}", studies) for what, studies in measures.studies.items()),
    ]


def studies_table(name: str, studies: Sequence[Mapping[str, Any]]) -> MeasureTable:
    """Return ratio studies as a table."""
    title = f"Ratio studies of {name}, with 95 % confidence intervals"
    return MeasureTable(title, STUDY_COLUMNS, [study_cells(study) for study in studies])
