"""The one-shot trainer of `compose.yaml`: sees to it that there is a champion, and that it is exported.

    fill_registry.py TRACKING_URI FOLDER

Trains only if the registry has no champion. Leaves an export alone that is the champion's already, so that a model
server that reads the folder is not disturbed. Runs in the image of the model.
"""

import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from housing_price_model.artefact import read_export
from housing_price_model.errors import ArtefactError, RegistryError
from housing_price_model.registry import CHAMPION, NAME, connect, find

URI = f"models:/{NAME}@{CHAMPION}"
# The registry answers with the second if the model is there but has no such alias.
NOT_THERE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


def has_champion(client: MlflowClient) -> bool:
    """Whether a version bears the alias; any other trouble with the registry is an error, and no reason to train."""
    try:
        client.get_model_version_by_alias(NAME, CHAMPION)
    except MlflowException as error:
        if error.error_code in NOT_THERE:
            return False
        raise
    return True


def is_exported(client: MlflowClient, folder: Path) -> bool:
    """Whether the folder holds the champion, whole and unchanged."""
    try:
        manifest = read_export(folder)
    except ArtefactError:
        return False
    champion, _version = find(client, URI)
    return (manifest.version, manifest.digest) == (champion.version, champion.digest)


def run(*command: str) -> None:
    """Run a command of the model's package; it prints what it does."""
    subprocess.run(["housing-price-model", *command], check=True)  # noqa: S603, S607 - the image's own program


def main(tracking_uri: str, folder: Path) -> None:
    """Train if need be, export if need be."""
    client = connect(tracking_uri)
    if not has_champion(client):
        run("train", "--tracking-uri", tracking_uri)
    if not is_exported(client, folder):
        run("export", "--tracking-uri", tracking_uri, "--model", URI, "--to", str(folder))


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except (RegistryError, MlflowException, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
