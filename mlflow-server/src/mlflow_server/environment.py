"""Environment variables: those that the command reads, and those of MLflow's application."""

import importlib.util
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy.exc import ArgumentError

from housing_price_platform.database.sqlite_file import sqlite_file_of
from housing_price_platform.environment.secret_files import FILE_VARIABLES, SECRETS
from housing_price_platform.environment.variables import check_variables


class Variable(StrEnum):
    """The environment variables that the command reads, under the names of `mlflow server`."""

    BACKEND_STORE_URI = "MLFLOW_BACKEND_STORE_URI"
    ARTIFACTS_DESTINATION = "MLFLOW_ARTIFACTS_DESTINATION"
    ALLOWED_HOSTS = "MLFLOW_SERVER_ALLOWED_HOSTS"


def check_names() -> None:
    """Check that none of the variables is misspelt. Other `MLFLOW_` variables belong to MLflow.

    Raises:
        UnknownVariables: A name is very similar to one of the variables; the message names both.
    """
    check_variables(os.environ, {*Variable, *SECRETS, *FILE_VARIABLES}, foreign_prefixes=("MLFLOW_",))


LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[[]::1]")
"""Host names for clients on this machine. `[[]` matches one `[` in MLflow's patterns."""


@dataclass(frozen=True)
class Storage:
    """The storage of runs, models and their files."""

    backend_store_uri: str
    """SQLAlchemy URI of the database of runs and registered models."""
    artifacts: str
    """Folder path or object store URI that the server reads and writes for its clients."""

    def create_folders(self) -> None:
        """Create the folders of a local store. Does nothing for a remote store."""
        if "://" not in self.artifacts:
            Path(self.artifacts).mkdir(parents=True, exist_ok=True)
        if (file := self.database_file) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)

    @property
    def database_file(self) -> Path | None:
        """The SQLite file of the database; None for other databases."""
        try:
            return sqlite_file_of(self.backend_store_uri)
        except (ArgumentError, ValueError):
            return None  # MLflow reports it

    @property
    def database_uri(self) -> str:
        """The URI of the database for MLflow."""
        if self.backend_store_uri.startswith("postgresql:") and importlib.util.find_spec("psycopg") is not None:
            # The driver of the extra `postgres`. SQLAlchemy's default is another one, psycopg2.
            return self.backend_store_uri.replace("postgresql:", "postgresql+psycopg:", 1)
        # MLflow also creates the folder of a `sqlite:///` URI, but as it is written there, with `%3F` for `?`.
        is_quoted = self.database_file is not None and "%" in self.backend_store_uri
        return self.backend_store_uri.replace("sqlite:", "sqlite+pysqlite:", 1) if is_quoted else self.backend_store_uri

    @property
    def artifacts_uri(self) -> str:
        """The artifacts as a URI: MLflow would take `%`, `?` and `#` in the path of a folder for parts of a URI."""
        return self.artifacts if "://" in self.artifacts else Path(self.artifacts).absolute().as_uri()


PROXIED_ARTIFACTS: Final = "mlflow-artifacts:/"
"""The artifact root for clients: they transfer files through the server and need no access to the store."""


def loopback_patterns() -> str:
    """Return the value of MLflow's `allowed hosts` that accepts the names of this machine, on any port."""
    return ",".join(pattern for host in LOOPBACK_HOSTS for pattern in (host, f"{host}:*"))


def server_environment(storage: Storage, allowed_hosts: str) -> dict[str, str]:
    """Return the environment variables that MLflow's application reads while it is imported.

    The command `mlflow server` passes the variables with a leading underscore to its workers (see
    `mlflow/server/constants.py`; a test compares them). Setting them here and running the application in this process
    saves a second process and its 3 s of imports.

    Args:
        storage: Where the server stores its records and files.
        allowed_hosts: Comma-separated patterns of accepted `Host` headers. Other requests get a 403, which prevents
            DNS rebinding attacks by web pages.
    """
    return {
        "_MLFLOW_SERVER_FILE_STORE": storage.database_uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": storage.database_uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": PROXIED_ARTIFACTS,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": storage.artifacts_uri,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        Variable.ALLOWED_HOSTS: allowed_hosts,
        # Both are on by default: jobs run code sent by clients, and unpickling runs code contained in a model.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
        # No telemetry.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
