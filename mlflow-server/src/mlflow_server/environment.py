"""The environment in which MLflow's server application runs: where it stores, and what it may not do."""

from dataclasses import dataclass
from pathlib import Path

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[[]::1]")
"""Names under which a browser or a client on this machine reaches the server (`[` is special to MLflow's patterns)."""


@dataclass(frozen=True)
class Storage:
    """Where runs, models and their files are kept.

    Attributes:
        backend_store_uri: SQLAlchemy URI of the database of runs and registered models.
        artifacts: Folder path or object store URI that the server reads and writes for its clients.
    """

    backend_store_uri: str
    artifacts: str

    def create_folders(self) -> None:
        """Create the folders that a local store needs; a remote store is left alone."""
        if "://" not in self.artifacts:
            Path(self.artifacts).mkdir(parents=True, exist_ok=True)
        if self.backend_store_uri.startswith("sqlite:///"):
            Path(self.backend_store_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


PROXIED_ARTIFACTS = "mlflow-artifacts:/"
"""The artifact root handed to clients: they speak HTTP to the server only and need no way to the store itself."""


def loopback_patterns() -> str:
    """MLflow's `allowed hosts` for a server that only this machine may reach, on any port."""
    return ",".join(pattern for host in LOOPBACK_HOSTS for pattern in (host, f"{host}:*"))


def server_environment(storage: Storage, allowed_hosts: str) -> dict[str, str]:
    """Environment variables that MLflow's application reads while it is imported.

    The names that begin with an underscore are what MLflow's own `mlflow server` command hands to its workers (see
    `mlflow/server/constants.py`; a test compares them). Setting them here and running the application in this process
    saves a second process and its 3 s of imports.

    Args:
        storage: Where the server keeps its records and files.
        allowed_hosts: Comma-separated patterns of `Host` headers that are answered; anything else gets a 403, so a web
            page cannot reach the server by rebinding a name of its own to this address.
    """
    return {
        "_MLFLOW_SERVER_FILE_STORE": storage.backend_store_uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": storage.backend_store_uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": PROXIED_ARTIFACTS,
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": storage.artifacts,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ALLOWED_HOSTS": allowed_hosts,
        # Both are on by default: jobs run code that clients send, and unpickling runs code that a model brings.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
        # Nothing leaves the machine unasked.
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
