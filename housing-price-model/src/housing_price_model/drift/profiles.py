"""Finds the profile of the model that made a price."""

from collections.abc import Sequence

from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.prediction_log.reader import Model
from housing_price_model.reference.profile import Profile, read_profile
from housing_price_model.registry.names import MODEL_ID_TAG
from housing_price_model.registry.versions import connect, translated
from housing_price_model.serving.find_model import located


class Profiles:
    """Profiles by model id; each is read once, and the given models again for one that is not known yet.

    Args:
        models: Exported folders or `models:/...` to look into first.
        tracking_uri: The tracking server, whose registry is asked for any other model.
    """

    def __init__(self, models: Sequence[str], tracking_uri: str) -> None:
        self._given = list(models)
        self._tracking_uri = tracking_uri
        self._read: dict[str, Profile] = {}

    def of(self, model: Model) -> Profile:
        """Find a model's profile.

        Raises:
            ArtefactError: the model holds no profile, or its files are not those that were recorded.
            RegistryError: neither the given models nor the registry know it, or the registry does not answer.
        """
        # A check that goes on for months sees other models come to the same places.
        for uri in self._given:
            if model.model_id in self._read:
                break
            self._add(uri)
        if model.model_id not in self._read:
            self._add(self._in_registry(model))
        return self._read[model.model_id]

    def _add(self, uri: str) -> None:
        with located(uri, self._tracking_uri) as found:
            profile = read_profile(found.folder)
            if profile.model_id != found.model_id:
                raise ArtefactError(f"{uri}: is {found.model_id}, but its profile is that of {profile.model_id}")
        self._read[profile.model_id] = profile

    def _in_registry(self, model: Model) -> str:
        client = connect(self._tracking_uri)
        with translated(f"model {model.model_id} cannot be looked up"):
            # Names and ids come from the log: quotes would end the filter's text.
            name, model_id = (text.replace("'", "") for text in (model.name, model.model_id))
            versions = client.search_model_versions(f"name='{name}' and tags.{MODEL_ID_TAG}='{model_id}'")
        if not versions:
            raise RegistryError(
                f"model {model.model_id} ({model.name} version {model.version}) made {model.rows:,} of these prices "
                f"and is not in the registry of {self._tracking_uri}; name it with --model"
            )
        return f"models:/{versions[0].name}/{versions[0].version}"
