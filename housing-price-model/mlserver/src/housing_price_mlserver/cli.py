"""The command line: `housing-price-mlserver FOLDER [--host HOST] [--port PORT]`."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from housing_price_model.artefact.allowed_contents import opened
from housing_price_model.errors import ArtefactError

_HIGHEST_PORT = 65535
_DIGEST_VARIABLE = "HOUSING_PRICE_MODEL_DIGEST"


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
    parser.add_argument(
        "--digest",
        default=os.environ.get(_DIGEST_VARIABLE) or None,
        help=f"refuse any other model than that of this digest: sha256:... (or {_DIGEST_VARIABLE})",
    )
    return parser


def main() -> None:
    """Check the export, then serve its model; ends with 0 if asked to stop, otherwise with 1."""
    arguments = _parser().parse_args()
    # MLServer loads the model itself, while it starts, so the checked copy stays as long as it runs.
    with ExitStack() as stack:
        try:
            manifest, model = stack.enter_context(opened(arguments.folder, arguments.digest))
        except ArtefactError as error:
            sys.exit(f"error: {error}")

        # Nothing leaves the machine unasked, and a pickle would run code; MLflow reads these while it is imported.
        os.environ.update(
            MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false"
        )
        from housing_price_mlserver.server import serve  # noqa: PLC0415 - MLServer takes seconds to import, a refusal none

        was_asked_to_stop = serve(
            model, name=manifest.name, version=manifest.version, host=arguments.host, port=arguments.port
        )
    sys.exit(0 if was_asked_to_stop else 1)
