"""Finds a model, wherever it is: an exported folder or a version in the registry, its digest checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow

from housing_price_model.artefact.allowed_contents import opened
from housing_price_model.registry.versions import checked, connect
from housing_price_model.serving.fast_scoring import DirectModel


@dataclass(frozen=True)
class Located:
    """A model whose files are those that were recorded.

    Attributes:
        folder: Its files (what MLflow calls a model).
        name: The registered model's name.
        version: Its version; the `model_id` if it was never registered.
        model_id: The identity that it gives with each price.
    """

    folder: Path
    name: str
    version: str
    model_id: str

    def load(self) -> DirectModel:
        """Load it with the code that is stored with it, as the model server does."""
        return DirectModel(mlflow.pyfunc.load_model(str(self.folder)))


@contextmanager
def located(model: str, tracking_uri: str) -> Iterator[Located]:
    """Find and check a model; its folder lives as long as the context.

    Args:
        model: An exported folder, `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        tracking_uri: Is asked only for `models:/...`.

    Raises:
        ArtefactError: its files are not those that were exported or registered, or not what a model may be made of.
        RegistryError: the tracking server does not answer or does not know it.
    """
    if model.startswith("models:/"):
        with checked(connect(tracking_uri), model) as (registered, folder):
            yield Located(folder, registered.name, registered.version, registered.model_id)
    else:
        with opened(Path(model)) as (manifest, folder):
            yield Located(folder, manifest.name, manifest.version, manifest.model_id)
