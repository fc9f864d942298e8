"""Builds the comparables model of a training run, and measures the values that are made with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from housing_price_model.comparables.held_out_values import report, value_held_out
from housing_price_model.comparables.pack import load_comparables, pack_comparables
from housing_price_model.fitting.evaluate import CrossValidation
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.reference.describe import add_golden
from housing_price_model.survey.data import Houses


@dataclass(frozen=True)
class BuiltComparables:
    """The comparables model of a training run."""

    packed: PackedModel
    """The packed model."""
    measures: dict[str, Any]
    """The measures of price, comparables and value; see `held_out_values.report`."""
    studies: list[dict[str, Any]]
    """The ratio studies of the value."""

    def metrics(self) -> dict[str, float]:
        """Return the measures of value and comparables by name, such as `value_rmsle`."""
        return {
            f"{what}_{name}": value
            for what in ("value", "comparables")
            for name, value in self.measures[what].items()
            if not name.startswith("constant_")
        }


def build_comparables(houses: Houses, validation: CrossValidation, folder: Path) -> BuiltComparables:
    """Write the comparables model, with its golden answers, to a folder.

    Args:
        houses: The training data, which become the sold houses.
        validation: The cross-validation of the price model on them.
        folder: The folder, which is created.
    """
    folder.mkdir()
    held_out = value_held_out(ENCODER.encode(houses.features), houses.prices, validation)
    packed = pack_comparables(houses, held_out.blend, folder)
    answers = load_comparables(packed.artifacts)(houses.features)
    return BuiltComparables(
        add_golden(packed, houses, answers, folder),
        report(houses.prices, validation.estimates, held_out),
        ratio_studies(houses, held_out.values.price),
    )
