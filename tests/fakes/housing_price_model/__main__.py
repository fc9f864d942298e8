"""Trains in no time: writes a champion where the stand-in of the registry looks for it."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from fake_service import dies_as_told, parser, say, serve

options = parser()
options.add_argument("command")
options.add_argument("folder", nargs="?", type=Path)
options.add_argument("--model")
options.add_argument("--tracking-uri")
options.add_argument("--export-to", "--to", dest="to", type=Path)
given = options.parse_args()


def export(version: dict[str, str]) -> None:
    shutil.rmtree(given.to, ignore_errors=True)
    (given.to / "model").mkdir(parents=True)
    (given.to / "manifest.json").write_text(json.dumps(version))


if given.command == "train":
    say("training goes on")
    dies_as_told("training")
    if "FAKE_TRAINS_FOR_EVER" in os.environ:
        signal.pause()
    version = {"version": "1", "digest": "d1"}
    (given.to.parent / "fake-champion.json").write_text(json.dumps(version))
    export(version)
elif given.command == "export":
    export(json.loads((given.to.parent / "fake-champion.json").read_text()))
else:
    manifest = json.loads((given.folder / "manifest.json").read_text())
    if manifest.get("broken"):
        say("the export is damaged")
        sys.exit(1)
    dies_as_told("model-server")
    with (given.folder.parent / "served.log").open("a") as log:
        log.write(f"{manifest['version']} {os.getpid()}\n")
    serve(given.host, given.port, lambda _: (200, manifest))
