"""A fake that trains at once: writes a champion of each model to the fake registry. Its workers only wait.

With FAKE_NO_COMPARABLES it trains the price model only, as earlier releases did.

Its model server returns one prediction to every call, which is enough for the probes of a real orchestrator.
"""

import os
import signal
import sys
from pathlib import Path

from tests.fakes.fake_registry import export, register
from tests.fakes.fake_service import exit_if_configured, parser, say, serve
from tests.fakes.served_log import note_start

from housing_price.stack.champion import read_champion
from housing_price_model.artefact.export import read_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.names import NAME_OF_MODEL
from housing_price_platform.orders.moves import ServedModel

options = parser()
options.add_argument("command")
options.add_argument("folder", nargs="?", type=Path)
options.add_argument("--model")
options.add_argument("--tracking-uri")
options.add_argument("--to", type=Path)
options.add_argument("--digest")
options.add_argument("--queue")
options.add_argument("--serving", type=Path)
options.add_argument("--runs", type=Path)
options.add_argument("--data-folder", type=Path)
options.add_argument("--name")
options.add_argument("--data", type=Path)
given = options.parse_args()
state = Path(os.environ["FAKE_STATE"])

if given.command == "train":
    say(f"training goes on{f' with {given.data}' if given.data else ''}")
    exit_if_configured("training")
    if "FAKE_TRAINS_FOR_EVER" in os.environ:
        signal.pause()
    register(state, "1")
    if "FAKE_NO_COMPARABLES" not in os.environ:
        register(state, "1", model=ServedModel.COMPARABLES)
elif given.command == "export":
    name = given.model.removeprefix("models:/").partition("/")[0]
    model = next(model for model in ServedModel if NAME_OF_MODEL[model] == name)
    champion = read_champion(state / "mlflow.db", name)
    assert champion
    export(state, champion, model)
elif given.command == "worker":
    exit_if_configured(f"{given.queue}-worker")
    say(f"Worker {given.name} takes jobs from the queue {given.queue}.")
    signal.pause()
else:
    is_price = "comparables" not in given.folder.parts
    exit_if_configured("model-server" if is_price else "comparables-server")
    try:
        manifest = read_export(given.folder, given.digest)
    except ArtefactError as error:
        say(f"error: {error}")
        sys.exit(1)
    note_start(state, ServedModel.PRICE if is_price else ServedModel.COMPARABLES, manifest.version, given.digest)
    prediction = {"price": 105_000.0, "low": 90_000.0, "high": 120_000.0, "model_id": manifest.model_id}
    pages = {"/invocations": {"predictions": [prediction]}}
    serve(given.host, given.port, lambda path: (200, pages.get(path, {"version": manifest.version})))
