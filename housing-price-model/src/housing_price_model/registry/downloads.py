"""Downloads the files of model versions from the registry."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from housing_price_model.errors import ArtefactError


@contextmanager
def temporary_download(version: ModelVersion) -> Iterator[Path]:
    """Download the files of a version to a folder that is deleted when the context exits.

    Raises:
        ArtefactError: The download failed.
    """
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
        yield download(f"models:/{version.name}/{version.version}", Path(folder))


def download(uri: str, folder: Path) -> Path:
    """Download the files of a model to a folder and return the path of the model in it.

    Raises:
        ArtefactError: The download failed.
    """
    try:
        model = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        raise ArtefactError(f"{uri}: download failed ({first_line(error)})") from error
    # MLflow adds this file to the copy; it is not part of the model.
    (model / "registered_model_meta").unlink(missing_ok=True)
    return model


def first_line(error: Exception) -> str:
    """Return the first line of an error's message: MLflow's messages may have many."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
