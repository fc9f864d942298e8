"""Adds the reference profile and the golden answers to a packed model."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from housing_price_model.artefact.kinds import PROFILE
from housing_price_model.fitting.evaluate import CrossValidation
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.reference.golden import GOLDEN, choose_golden, golden_to_json
from housing_price_model.reference.profile import Profile
from housing_price_model.survey.data import Houses


def add_golden(packed: PackedModel, houses: Houses, answers: pd.DataFrame, folder: Path) -> PackedModel:
    """Write the golden answers to a folder, and add them to the artefacts; `model_id` stays the same.

    Args:
        packed: The packed model.
        houses: The training data.
        answers: The model's answer for each house.
        folder: The folder to write to.
    """
    path = folder / f"{GOLDEN}.json"
    path.write_bytes(golden_to_json(choose_golden(houses, answers)))
    return replace(packed, artifacts={**packed.artifacts, GOLDEN: str(path)})


def add_reference_data(
    packed: PackedModel, houses: Houses, answers: pd.DataFrame, validation: CrossValidation, folder: Path
) -> PackedModel:
    """Write the profile and the golden answers, and add them to the artefacts; `model_id` stays the same.

    Args:
        packed: The packed model.
        houses: The training data.
        answers: The model's answer for each house: `price`, `low`, `high` and `model_id`.
        validation: The cross-validation on the same houses.
        folder: The folder to write to.
    """
    path = folder / f"{PROFILE}.json"
    path.write_bytes(Profile.of(houses, answers, validation).to_json())
    packed = replace(packed, artifacts={**packed.artifacts, PROFILE: str(path)})
    return add_golden(packed, houses, answers, folder)
