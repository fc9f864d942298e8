"""Checks of the data, the registry, the exported model and the columns that are sent to it."""

import hashlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import yaml

from housing_price.doctor.checks import Finding, Verdict
from housing_price.stack.champion import Champion, read_champion
from housing_price.stack.services import Plan, environment, orchestrator_columns
from housing_price.stack.state import REPOSITORY, State
from housing_price_model.artefact.export import MANIFEST, MODEL, read_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.names import CHAMPION, NAME

DATA = REPOSITORY / "housing-price-model" / "data"
COLUMNS_SECONDS = 30
START = "run `housing-price up`, which trains one"

type Columns = dict[str, str]
"""Name and type (`double`, `string`) of each model column, in order."""


def check_data(_plan: Plan) -> Iterator[Finding]:
    """The data set is the one that was checked in."""
    for line in (DATA / "SHA256SUMS").read_text().splitlines():
        wanted, name = line.split()
        try:
            is_same = hashlib.sha256((DATA / name).read_bytes()).hexdigest() == wanted
        except OSError:
            is_same = False
        if is_same:
            yield Finding(name, Verdict.GOOD, "has the digest of SHA256SUMS")
        else:
            advice = f"run `git checkout -- housing-price-model/data/{name}`"
            yield Finding(name, Verdict.WRONG, "is missing, or differs from SHA256SUMS", advice)


def check_registry(plan: Plan) -> Iterator[Finding]:
    """The registry has a champion. Its database is read as it is: no server has to run."""
    what, database = "registry", plan.state.database
    if not database.exists():
        yield Finding(what, Verdict.NOTE, "nothing was started on this state folder yet", START)
        return
    try:
        champion = read_champion(database)
    except sqlite3.Error as error:
        advice = "end what writes to it, or move the state folder away and start anew"
        yield Finding(what, Verdict.WRONG, f"{database} cannot be read: {error}", advice)
        return
    if champion is None:
        yield Finding(what, Verdict.WRONG, f"{NAME} has no version called {CHAMPION}", START)
    else:
        yield Finding(what, Verdict.GOOD, f"version {champion.version} of {NAME} is the {CHAMPION}")


def check_export(plan: Plan) -> Iterator[Finding]:
    """The export that the model server reads is whole, unchanged, and the registry's champion."""
    what = "export"
    champion, folder = _champion(plan.state), _exported(plan.state)
    if folder is None:
        verdict = Verdict.NOTE if champion is None else Verdict.WRONG
        yield Finding(what, verdict, "no exported model", "run `housing-price up`, which exports the champion")
        return
    try:
        manifest = read_export(folder)
    except ArtefactError as error:
        advice = f"remove {folder} and start `housing-price up` again, which exports the champion"
        yield Finding(what, Verdict.WRONG, str(error), advice)
        return
    found = f"version {manifest.version}, model {manifest.model_id}"
    if champion is None or champion.is_exported_as(asdict(manifest)):
        yield Finding(what, Verdict.GOOD, found)
        return
    wanted = f"version {champion.version}, digest {champion.digest or 'unknown'}"
    advice = "start `housing-price up` again, which exports the champion"
    yield Finding(what, Verdict.WRONG, f"{found}, digest {manifest.digest}: the champion is {wanted}", advice)


def check_columns(plan: Plan) -> Iterator[Finding]:
    """The orchestrator sends exactly the columns that the exported model's signature asks for."""
    what = "signature"
    folder = _exported(plan.state)
    if folder is None:
        yield Finding(what, Verdict.NOTE, "not compared: there is no exported model", START)
        return
    try:
        wanted = _read_signature(folder)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        yield Finding(what, Verdict.WRONG, f"the exported model's cannot be read: {error!r}", "export the model anew")
        return
    command = orchestrator_columns()
    try:
        result = subprocess.run(  # noqa: S603 - a command of this project
            command, capture_output=True, text=True, timeout=COLUMNS_SECONDS, check=True, env=environment()
        )
        sent = {column["name"]: column["type"] for column in json.loads(result.stdout)}
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        yield Finding(what, Verdict.WRONG, f"the orchestrator does not tell its columns: {error}", "run `uv sync`")
        return
    if differences := list(compare(sent, wanted)):
        advice = "change the orchestrator's column map, or train with the columns that it sends"
        yield Finding(what, Verdict.WRONG, "; ".join(differences), advice)
    else:
        yield Finding(what, Verdict.GOOD, f"the {len(sent)} columns that the orchestrator sends")


def compare(sent: Columns, wanted: Columns) -> Iterator[str]:
    """Say how the columns that are sent differ from those of the model's signature."""
    if missing := wanted.keys() - sent.keys():
        yield f"not sent: {', '.join(sorted(missing))}"
    if unknown := sent.keys() - wanted.keys():
        yield f"unknown to the model: {', '.join(sorted(unknown))}"
    for name in sorted(sent.keys() & wanted.keys()):
        if sent[name] != wanted[name]:
            yield f"{name} is sent as {sent[name]}, the model wants {wanted[name]}"


def _champion(state: State) -> Champion | None:
    try:
        return read_champion(state.database)
    except sqlite3.Error:
        return None


def _exported(state: State) -> Path | None:
    """The export of the champion; where no registry says which that is, of the latest version that was exported."""
    champion = _champion(state)
    if champion is not None:
        versions = [champion.version]
    else:
        exports = state.export_of("0").parent.glob("*")
        versions = sorted((path.name for path in exports if path.name.isdecimal()), key=int, reverse=True)
    folders = (state.export_of(version) for version in versions)
    return next((folder for folder in folders if (folder / MANIFEST).exists() and (folder / MODEL).is_dir()), None)


def _read_signature(folder: Path) -> Columns:
    document = yaml.safe_load((folder / MODEL / "MLmodel").read_text())
    return {column["name"]: column["type"] for column in json.loads(document["signature"]["inputs"])}
