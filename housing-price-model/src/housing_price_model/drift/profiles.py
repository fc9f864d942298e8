"""Finds the reference profile of the model that made a prediction."""

from collections.abc import Sequence

from housing_price_model.artefact.kinds import require_price_model
from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.prediction_log.rows import Model
from housing_price_model.reference.profile import Profile, read_profile
from housing_price_model.registry.names import MODEL_ID_TAG
from housing_price_model.registry.versions import connect, registry_errors
from housing_price_model.serving.find_model import open_model


class Profiles:
    """A cache of reference profiles by model id. The given models are read again when a model id is unknown.

    Args:
        models: Exported folders or `models:/...` URIs to search first.
        tracking_uri: The tracking server whose registry is searched for any other model.
    """

    def __init__(self, models: Sequence[str], tracking_uri: str) -> None:
        self._given = list(models)
        self._tracking_uri = tracking_uri
        self._read: dict[str, Profile] = {}

    def of(self, model: Model) -> Profile:
        """Return a model's profile.

        Raises:
            ArtefactError: the model has no profile, or its files differ from their recorded digests.
            RegistryError: neither the given models nor the registry include it, or the registry does not answer.
        """
        # In a long-running check, a folder or alias may come to point to another model.
        for uri in self._given:
            if model.model_id in self._read:
                break
            self._add(uri)
        if model.model_id not in self._read:
            self._add(self._in_registry(model))
        return self._read[model.model_id]

    def _add(self, uri: str) -> None:
        with open_model(uri, self._tracking_uri) as found:
            require_price_model(found.name, uri)
            profile = read_profile(found.folder)
            if profile.model_id != found.model_id:
                raise ArtefactError(f"{uri}: the profile belongs to model {profile.model_id}, not {found.model_id}")
        self._read[profile.model_id] = profile

    def _in_registry(self, model: Model) -> str:
        client = connect(self._tracking_uri)
        with registry_errors(f"model {model.model_id} cannot be looked up"):
            # Names and ids come from the log: a quote would break out of the filter string.
            name, model_id = (text.replace("'", "") for text in (model.name, model.model_id))
            versions = client.search_model_versions(f"name='{name}' and tags.{MODEL_ID_TAG}='{model_id}'")
        if not versions:
            raise RegistryError(
                f"model {model.model_id} ({model.name} version {model.version}), which made {model.rows:,} of these "
                f"predictions, is not in the registry of {self._tracking_uri}; specify it with --model"
            )
        return f"models:/{versions[0].name}/{versions[0].version}"
