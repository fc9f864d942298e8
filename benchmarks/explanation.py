"""Measures how far explanations are from exact Shapley values, with the exported model and real houses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean
from typing import Final, cast

import msgspec
import numpy as np
import pandas as pd

from benchmarks import houses, model
from benchmarks.paths import REPOSITORY, SURVEY
from housing_price_model.artefact.served_comparables import DEFAULT_K
from housing_price_model.comparables.distance import neighbours_of
from housing_price_model.fitting.pack import load
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.survey.data import read_houses
from housing_price_orchestrator.provider.model_server.columns import Row, row_of
from housing_price_orchestrator.service.valuation.explanation import (
    MAX_MIXED_FOR_SALE,
    MAX_MIXED_FOR_TYPICAL,
    compare,
)
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord
from housing_price_survey.columns import COLUMNS, FEATURE_GROUPS

MAX_DEVIATION: Final = 0.005
"""The largest deviation of any group, as a share of the price, that 95 % of the explanations may have."""

PAGE: Final = REPOSITORY / "docs" / "explanation.md"
_BEGIN, _END = "<!-- begin: deviation -->", "<!-- end: deviation -->"

_MAX_EXACT: Final = 2 ** len(FEATURE_GROUPS)
_ENDS: Final = 2
"""The two houses that are compared are priced too."""


class _Pricing:
    """Prices houses with an exported model, in this process."""

    def __init__(self, export: Path) -> None:
        artifacts = export / "model" / "artifacts"
        self._predict = load({"graph": str(artifacts / "graph.onnx"), "spec": str(artifacts / "spec.json")})
        self._identity = ModelIdentity("housing-price", "1", model.model_id(export))

    def of(self, asked: Sequence[AnyHouse]) -> dict[Row, PriceEstimate]:
        rows = [row_of(house) for house in asked]
        prices = self._predict(pd.DataFrame(rows, columns=list(COLUMNS)))["price"]
        return {
            row: PriceEstimate(float(price), float(price), float(price), self._identity)
            for row, price in zip(rows, prices, strict=True)
        }


@dataclass(frozen=True)
class Deviations:
    """Deviations of the explanations of pairs of houses from exact ones."""

    against: str
    """The kind of house that the houses are compared with."""
    rows: Sequence[int]
    """The rows that each pair needs."""
    shares: Sequence[float]
    """The largest deviation of a group of each pair, as a share of the price."""

    @property
    def share_within(self) -> float:
        """Share of the pairs that deviate by at most MAX_DEVIATION."""
        return mean(share <= MAX_DEVIATION for share in self.shares)

    def as_row(self) -> str:
        """Format as a row of the table."""
        quantiles = (*np.quantile(self.shares, (0.5, 0.95, 0.99)), max(self.shares))
        shown = " | ".join(f"{share:.2%}" for share in quantiles)
        rows = f"{mean(self.rows):.0f} / {max(self.rows)}"
        return f"| {self.against} | {len(self.shares):,} | {rows} | {shown} | {self.share_within:.1%} |"


def measure(export: Path | None, count: int, seed: int) -> list[Deviations]:
    """Compare explanations of `count` random houses with exact Shapley values.

    Each house is compared with its comparable sales and with the typical house.
    """
    pricing = _Pricing(export or model.exported())
    records = [cast("AnyHouse", msgspec.convert(document, HouseRecord)) for document in houses.documents()]
    values = ENCODER.encode(read_houses(SURVEY).features)
    chosen = Random(seed).sample(range(len(records)), count)  # noqa: S311 - a sample, no secret
    nearest, _ = neighbours_of(values).nearest(values[chosen], DEFAULT_K)
    sales = [
        (records[sale], records[house])
        for house, of_house in zip(chosen, nearest.tolist(), strict=True)
        for sale in of_house
    ]
    return [
        _deviations("a comparable sale", pricing, sales, MAX_MIXED_FOR_SALE),
        _deviations(
            "the typical house", pricing, [(TYPICAL_HOUSE, records[house]) for house in chosen], MAX_MIXED_FOR_TYPICAL
        ),
    ]


def as_table(measured: Sequence[Deviations]) -> str:
    """Return a Markdown table."""
    return "\n".join(
        [
            "| against | pairs | rows, mean / most | median | 95 % | 99 % | worst | pairs within 0.5 % |",
            "|---|---|---|---|---|---|---|---|",
            *(one.as_row() for one in measured),
        ]
    )


def write(table: str) -> None:
    """Write the table into its page."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    PAGE.write_text(f"{head}{_BEGIN}\n\n{table}\n\n{_END}{tail}", encoding="utf-8")


def _deviations(
    against: str, pricing: _Pricing, pairs: Sequence[tuple[AnyHouse, AnyHouse]], max_mixed: int
) -> Deviations:
    rows: list[int] = []
    shares: list[float] = []
    for start, end in pairs:
        exact, short = (compare(start, end, max_mixed=most) for most in (_MAX_EXACT, max_mixed))
        price_of = pricing.of([start, end, *exact.mixed])
        first, last = price_of[row_of(start)], price_of[row_of(end)]
        parts, exact_parts = (
            comparison.split(first, last, [price_of[row_of(house)] for house in comparison.mixed])
            for comparison in (short, exact)
        )
        rows.append(len(short.mixed) + _ENDS)
        deviation = max(abs(part.usd - true.usd) for part, true in zip(parts, exact_parts, strict=True))
        shares.append(deviation / last.price_usd)
    return Deviations(against, rows, shares)
