"""The one-shot trainer of `compose.yaml`: ensures that a champion exists and is exported.

    fill_registry.py TRACKING_URI FOLDER

Trains only if the registry has no champion. `export` does not touch a folder that already contains the champion, so a
running model server is not disturbed. Runs in the image of the model.
"""

import os
import subprocess
import sys

from housing_price_model.errors import RegistryError
from housing_price_model.registry.names import NAME
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.output.terminal import clean


def run(command: str, *options: str) -> None:
    """Run a command of `housing-price-model`, which prints its progress."""
    subprocess.run(["housing-price-model", command, *options], check=True)  # noqa: S603, S607 - installed in the image


def main(tracking_uri: str, folder: str) -> None:
    """Train a model if there is no champion, then export the champion, which the model server serves from its start."""
    # MLflow imports OpenTelemetry, which reads its variables while it is imported.
    for warning in ignore_invalid(os.environ):
        print(f"warning: {warning}", file=sys.stderr)  # noqa: T201 - shown in the log of the service
    from housing_price_model.registry.versions import connect, find_champion, note_serving  # noqa: PLC0415

    server, client = ("--tracking-uri", tracking_uri), connect(tracking_uri)
    if find_champion(client) is None:
        run("train", *server)
    champion = find_champion(client)
    if champion is None:
        raise RegistryError("the training registered no champion")
    run("export", *server, "--model", f"models:/{NAME}/{champion.version}", "--to", folder)
    note_serving(client, str(champion.version))


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except (RegistryError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {clean(error)}")
