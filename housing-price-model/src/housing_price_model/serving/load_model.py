"""Loads a model whose files have been checked, and lets it answer once."""

from pathlib import Path
from typing import Final

import mlflow
from mlflow.pyfunc import PyFuncModel

from housing_price_model.errors import ArtefactError
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_survey.columns import COLUMNS
from housing_price_survey.typical import TYPICAL_HOUSE

_TYPICAL: Final = Rows(COLUMNS, [list(TYPICAL_HOUSE.values())])


def load_model(folder: Path, source: object) -> PyFuncModel:
    """Load a model with the code that is stored in it.

    Some contradictions between files show only when the model answers, so it answers for the typical house first.

    Args:
        folder: The MLflow model folder, checked by `allowed_contents.check_contents`.
        source: The folder or URI that the user named, for the message.

    Raises:
        ArtefactError: The files contradict each other, so that the model cannot be loaded or cannot answer.
    """
    try:
        model: PyFuncModel = mlflow.pyfunc.load_model(str(folder))
        DirectModel(model).predict(_TYPICAL)
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ArtefactError(
            f"{source}: rejected: its files contradict each other ({type(error).__name__}: {reason}); "
            "export the model again, or train it again"
        ) from error
    return model
