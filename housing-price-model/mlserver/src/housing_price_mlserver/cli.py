"""The command line: `housing-price-mlserver FOLDER [--host HOST] [--port PORT]`."""

import argparse
import os
import sys
from pathlib import Path

from housing_price_model.artefact import MODEL, read_export
from housing_price_model.errors import ArtefactError

_HIGHEST_PORT = 65535


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _HIGHEST_PORT:
        raise ValueError(text)
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="housing-price-mlserver",
        description="Serves an exported house price model (/invocations, /ping) under MLServer until a signal ends it.",
    )
    parser.add_argument("folder", type=Path, help="what `housing-price-model export` wrote: model/ and manifest.json")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8080, help="the port, 0 for a free one (default: %(default)s)")
    return parser


def main() -> None:
    """Check the export's digest, then serve its model; ends with 0 if asked to stop, otherwise with 1."""
    arguments = _parser().parse_args()
    try:
        manifest = read_export(arguments.folder)
    except ArtefactError as error:
        sys.exit(f"error: {error}")

    # Bytecode written beside the model's code would make the export another, which the next start would refuse.
    sys.dont_write_bytecode = True
    # Nothing leaves the machine unasked; MLflow reads these while it is imported.
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    from housing_price_mlserver.server import serve  # noqa: PLC0415 - MLServer takes seconds to import, a refusal none

    was_asked_to_stop = serve(
        (arguments.folder / MODEL).resolve(),
        name=manifest.name,
        version=manifest.version,
        host=arguments.host,
        port=arguments.port,
    )
    sys.exit(0 if was_asked_to_stop else 1)
