"""Builds the comparables model of a training run."""

from pathlib import Path

from housing_price_model.comparables.blend import fit_blend
from housing_price_model.comparables.pack import load_comparables, pack_comparables
from housing_price_model.fitting.evaluate import Estimates
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.reference.describe import add_golden
from housing_price_model.survey.data import Houses


def build_comparables(houses: Houses, held_out: Estimates, folder: Path) -> tuple[PackedModel, dict[str, float]]:
    """Write the comparables model, with its golden answers, to a folder.

    Args:
        houses: The training data, which become the sold houses.
        held_out: The held-out estimates of the price model for them.
        folder: The folder, which is created.

    Returns:
        The packed model, and the metrics of the value on the held-out estimates.
    """
    folder.mkdir()
    fitted = fit_blend(ENCODER.encode(houses.features), houses.prices, held_out)
    packed = pack_comparables(houses, fitted.blend, folder)
    answers = load_comparables(packed.artifacts)(houses.features)
    return add_golden(packed, houses, answers, folder), fitted.metrics
