"""Opens a model by folder or registry URI, with its digest and contents checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.registry.versions import connect, download_checked
from housing_price_model.serving.fast_scoring import DirectModel
from housing_price_model.serving.load_model import load_model


@dataclass(frozen=True)
class CheckedModel:
    """A model whose files match their recorded digest."""

    folder: Path
    """The MLflow model folder."""
    name: str
    """The name of the registered model."""
    version: str
    """The registered version; the `model_id` if it was never registered."""
    model_id: str
    """The content hash that the model returns with each price."""

    def load(self) -> DirectModel:
        """Load the model with the code stored in it, as the model server does.

        Raises:
            ArtefactError: See `load_model`.
        """
        return DirectModel(load_model(self.folder, f"{self.name} version {self.version}"))


@contextmanager
def open_model(model: str, tracking_uri: str) -> Iterator[CheckedModel]:
    """Copy or download a model and check it; the folder is deleted when the context exits.

    Args:
        model: An exported folder, `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `models:/NAME@DIGEST`.
        tracking_uri: The tracking server; used only for `models:/...`.

    Raises:
        ArtefactError: The files differ from those exported or registered, or have disallowed contents.
        RegistryError: The tracking server does not respond or has no such model.
    """
    if model.startswith("models:/"):
        with download_checked(connect(tracking_uri), model) as (registered, folder):
            yield CheckedModel(folder, registered.name, registered.version, registered.model_id)
    else:
        with open_export(Path(model)) as (manifest, folder):
            yield CheckedModel(folder, manifest.name, manifest.version, manifest.model_id)
