"""Adds what is known of the training data to what training packed."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from housing_price_model.fitting.evaluate import CrossValidation
from housing_price_model.fitting.pack import Packed
from housing_price_model.reference.golden import GOLDEN, choose, write_golden
from housing_price_model.reference.profile import PROFILE, Profile
from housing_price_model.survey.data import Houses


def describe(
    packed: Packed, houses: Houses, answers: pd.DataFrame, validation: CrossValidation, folder: Path
) -> Packed:
    """Write profile and golden answers into a folder and add them to the artefacts; the identity stays.

    Args:
        packed: What makes the prices.
        houses: What it was trained on.
        answers: What it says of them: `price`, `low`, `high` and `model_id` of each.
        validation: What models said that had not seen them.
        folder: Where to write.
    """
    contents = {
        PROFILE: Profile.of(houses, answers, validation).to_json(),
        GOLDEN: write_golden(choose(houses, answers)),
    }
    paths = {name: folder / f"{name}.json" for name in contents}
    for name, path in paths.items():
        path.write_bytes(contents[name])
    return replace(packed, artifacts={**packed.artifacts, **{name: str(path) for name, path in paths.items()}})
