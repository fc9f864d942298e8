"""Tells whether an error means that the registry is away, rather than that something is not in it."""

from typing import Final

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, REQUEST_LIMIT_EXCEEDED, TEMPORARILY_UNAVAILABLE, ErrorCode

from housing_price_model.errors import RegistryError
from housing_price_platform.jobs.temporary import is_temporary

_AWAY_CODES: Final = frozenset(
    ErrorCode.Name(code) for code in (INTERNAL_ERROR, REQUEST_LIMIT_EXCEEDED, TEMPORARILY_UNAVAILABLE)
)


def is_temporary_here(error: Exception) -> bool:
    """Return whether an error passes by itself: a full disk, a locked database, or a registry that does not answer."""
    return is_temporary(error) or is_registry_away(error)


def is_registry_away(error: Exception) -> bool:
    """Return whether the registry did not answer."""
    if not isinstance(error, RegistryError) or error.__cause__ is None:
        return False
    # Without a code of MLflow it is an error of the connection or of the store's database.
    return not isinstance(error.__cause__, MlflowException) or error.__cause__.error_code in _AWAY_CODES
