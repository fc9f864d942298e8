"""The command line: `housing-price-mlserver FOLDER [--host HOST] [--port PORT]`."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from housing_price_model.artefact.allowed_contents import open_export
from housing_price_model.artefact.kinds import require_price_model
from housing_price_model.errors import ArtefactError
from housing_price_model.settings import check_names
from housing_price_platform.environment.opentelemetry_variables import ignore_invalid
from housing_price_platform.environment.variables import SharedVariable, UnknownVariables
from housing_price_platform.output.terminal import clean_output, echo

_MAX_PORT: Final = 65535


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MAX_PORT:
        raise ValueError(text)
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="housing-price-mlserver",
        description="Serve an exported house price model under MLServer (/invocations, /ping) until SIGTERM or SIGINT.",
    )
    parser.add_argument("folder", type=Path, help="folder written by `housing-price-model export`")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8080, help="port to listen on; 0 selects a free port (default: %(default)s)"
    )
    parser.add_argument(
        "--digest",
        default=os.environ.get(SharedVariable.MODEL_DIGEST) or None,
        help="serve the model only if it has this digest: sha256:... "
        f"(environment variable: {SharedVariable.MODEL_DIGEST})",
    )
    return parser


def main() -> None:
    """Check the export and serve its model; exit with status 0 after a stop signal, otherwise with 1 or 2."""
    arguments = _parser().parse_args()
    try:
        check_names()
    except UnknownVariables as error:
        echo(f"error: {error}", err=True)
        sys.exit(2)
    # MLServer and MLflow import OpenTelemetry.
    for warning in ignore_invalid(os.environ):
        echo(f"warning: {warning}", err=True)
    # MLServer loads the model itself during start-up, so the checked copy must exist while it runs.
    with clean_output(), ExitStack() as stack:
        try:
            manifest, model = stack.enter_context(open_export(arguments.folder, arguments.digest))
            require_price_model(manifest.name, arguments.folder)
        except ArtefactError as error:
            echo(f"error: {error}", err=True)
            sys.exit(1)

        # Disable telemetry, and pickles, which could run code. MLflow reads these variables when it is imported.
        os.environ.update(
            MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false"
        )
        from housing_price_mlserver.server import serve  # noqa: PLC0415 - importing MLServer takes seconds; a rejection should be immediate

        stop_requested = serve(
            model, name=manifest.name, version=manifest.version, host=arguments.host, port=arguments.port
        )
    sys.exit(0 if stop_requested else 1)
