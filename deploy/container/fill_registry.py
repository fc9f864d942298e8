"""The one-shot trainer of `compose.yaml`: ensures that both models have a champion that is exported.

    fill_registry.py TRACKING_URI FOLDER

Trains only if the registry has no champion. `export` does not touch a folder that already contains the champion, so
running model servers are not disturbed. Runs in the image of the model.
"""

import os
import subprocess
import sys

from housing_price_model.errors import RegistryError
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.environment.secret_files import UnusableSecretFile, read_secret_files
from housing_price_platform.orders.moves import ServedModel
from housing_price_platform.output.terminal import clean

FOLDER_OF_MODEL = {ServedModel.PRICE: "champion", ServedModel.COMPARABLES: "comparables"}
"""Folder of the export of each model, which its server serves from its start."""


def run(command: str, *options: str) -> None:
    """Run a command of `housing-price-model`, which prints its progress."""
    subprocess.run(["housing-price-model", command, *options], check=True)  # noqa: S603, S607 - installed in the image


def main(tracking_uri: str, folder: str) -> None:
    """Train if a model has no champion, then export the champions."""
    # MLflow imports OpenTelemetry, which reads its variables while it is imported.
    for warning in ignore_invalid(os.environ):
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201 - shown in the log of the service
    read_secret_files(os.environ)
    from housing_price_model.registry.versions import connect, find_champion, note_serving  # noqa: PLC0415

    server, client = ("--tracking-uri", tracking_uri), connect(tracking_uri)
    if any(find_champion(client, name) is None for name in NAME_OF_MODEL.values()):
        run("train", *server)
    for model, name in NAME_OF_MODEL.items():
        champion = find_champion(client, name)
        if champion is None:
            raise RegistryError(f"the training registered no champion of {name}")
        target = ("--to", f"{folder}/{FOLDER_OF_MODEL[model]}")
        run("export", *server, "--model", f"models:/{name}/{champion.version}", *target)
        note_serving(client, str(champion.version), name)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except (RegistryError, UnusableSecretFile, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {clean(error)}")
