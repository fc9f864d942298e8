"""Models that carry an earlier file of our code are still served, and answer as those with the current file.

`earlier_code/` has the earlier files; each name ends with a number.
"""

import hashlib
import shutil
from pathlib import Path

import pytest

from housing_price_model.artefact.allowed_contents import EARLIER_CODE, check_contents
from housing_price_model.artefact.export import MODEL
from housing_price_model.artefact.kinds import COMPARABLES
from housing_price_model.reference.profile import cells_of
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.load_model import load_model
from housing_price_model.survey.data import Houses
from housing_price_survey.columns import COLUMNS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

EARLIER = sorted(Path(__file__).with_name("earlier_code").iterdir())


def test_every_listed_hash_is_that_of_an_earlier_file() -> None:
    assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in EARLIER} == EARLIER_CODE


@pytest.mark.parametrize("file", EARLIER, ids=lambda file: file.name)
def test_model_with_earlier_code_answers_like_one_with_the_current_code(
    file: Path, request: pytest.FixtureRequest, houses: Houses, tmp_path: Path
) -> None:
    if file.stem == COMPARABLES.code:
        current: Path = request.getfixturevalue("comparables_model")
    else:
        current = request.getfixturevalue("export") / MODEL
    shutil.copytree(current, tmp_path / "model")
    shutil.copyfile(file, tmp_path / "model" / file.stem)
    check_contents(tmp_path / "model")
    rows = Rows(COLUMNS, cells_of(houses.features.head(40)))
    earlier, expected = (
        DirectModel(load_model(folder, folder)).predict(rows).to_dict("records")
        for folder in (tmp_path / "model", current)
    )
    assert earlier == expected
