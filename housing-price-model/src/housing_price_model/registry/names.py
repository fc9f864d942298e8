"""Names in the registry: the models, its aliases, tags and pages, and MLflow's "not found" error codes.

Does not import MLflow, which is slow: the stack's runner and `--help` need only these names.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from housing_price_model.artefact import kinds
from housing_price_platform.orders.moves import ServedModel

NAME: Final = kinds.PRICE.registered_name
"""The price model."""
COMPARABLES: Final = kinds.COMPARABLES.registered_name
"""The comparables model, which finds comparable sales."""
NAME_OF_MODEL: Final[Mapping[ServedModel, str]] = {ServedModel.PRICE: NAME, ServedModel.COMPARABLES: COMPARABLES}
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
"""The alias of the version that passed its gate most recently."""
DEFAULT_TRACKING_URI: Final = "http://127.0.0.1:9999"

DIGEST_PREFIX: Final = "sha256:"
"""Start of every digest. No alias starts so: aliases have no colon."""
DIGEST_TAG: Final = "digest"
"""Tag: the digest of a version's files."""
MODEL_ID_TAG: Final = "model_id"
RMSLE_TAG: Final = "cv_rmsle"
STATE_TAG: Final = "state"
"""Tag: the lifecycle state of a version (`registry/states.py`)."""
SERVING_TAG: Final = "serving"
"""Tag of the registered model: the version that serves as champion, or served last. Missing: none has served yet."""
MOVE_TAG: Final = "move."
"""Prefix of the tags with the records of moves; a job id follows."""

NOT_FOUND_CODES: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""MLflow's error codes for an unknown alias: the first if the model is unknown, the second if only the alias is."""


def version_page(tracking_uri: str, version: str, name: str = NAME) -> str | None:
    """Return the address of a version's page in the tracking server; None if the registry has no pages.

    The address has no credentials, because it is printed.
    """
    url = urlsplit(tracking_uri)
    if url.scheme not in {"http", "https"}:
        return None
    address = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")
    return f"{address}/#/models/{name}/versions/{version}"
