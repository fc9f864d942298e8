"""Checks of the data set, the registry, the exported models and the columns that the orchestrator sends to them."""

import hashlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import yaml

from housing_price.doctor.checks import Finding, Verdict
from housing_price.stack.champion import Champion, read_champion
from housing_price.stack.plan import Plan
from housing_price.stack.services import environment, orchestrator_columns
from housing_price.stack.state import REPOSITORY, State
from housing_price_model.artefact.export import MANIFEST, MODEL, read_export
from housing_price_model.errors import ArtefactError
from housing_price_model.registry.names import CHAMPION, COMPARABLES, NAME, NAME_OF_MODEL
from housing_price_platform.database.sqlite_file import REMEDY, find_damage
from housing_price_platform.orders.moves import ServedModel

DATA: Final = REPOSITORY / "housing-price-model" / "data"
COLUMNS_TIMEOUT_SECONDS: Final = 30
START: Final = "run `housing-price up`: it trains the models"
TRAIN: Final = "run `housing-price-model train` while the stack runs, then restart `housing-price up`"

type Columns = dict[str, str]
"""Name and type (`double`, `string`) of each model column, in order."""


def check_data(_plan: Plan) -> Iterator[Finding]:
    """Check that the data set has the checksums of `SHA256SUMS`."""
    for line in (DATA / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        try:
            is_same = hashlib.sha256((DATA / name).read_bytes()).hexdigest() == expected
        except OSError:
            is_same = False
        if is_same:
            yield Finding(name, Verdict.OK, "checksum as in SHA256SUMS")
        else:
            fix = f"run `git checkout -- housing-price-model/data/{name}`"
            yield Finding(name, Verdict.PROBLEM, "missing, or its checksum differs from SHA256SUMS", fix)


def check_databases(plan: Plan) -> Iterator[Finding]:
    """Check that the SQLite files of the state folder are intact."""
    for file in (plan.state.database, plan.state.predictions, plan.state.jobs):
        if damage := find_damage(file):
            yield Finding(file.name, Verdict.PROBLEM, f"{file} is damaged ({damage})", f"stop the stack, {REMEDY}")
        elif file.exists():
            yield Finding(file.name, Verdict.OK, "readable")


def check_registry(plan: Plan) -> Iterator[Finding]:
    """Check that the registry has a champion. Reads the database file, so no server has to run."""
    subject, database = "registry", plan.state.database
    if not database.exists():
        yield Finding(subject, Verdict.NOTE, "no stack was started on this state folder yet", START)
        return
    try:
        champion = read_champion(database)
    except sqlite3.Error as error:
        fix = "stop the process that writes to it, or move the state folder away and start again"
        yield Finding(subject, Verdict.PROBLEM, f"cannot read {database}: {error}", fix)
        return
    if champion is None:
        yield Finding(subject, Verdict.PROBLEM, f"{NAME} has no version with the alias {CHAMPION}", START)
    else:
        yield Finding(subject, Verdict.OK, f"version {champion.version} of {NAME} is the {CHAMPION}")


def check_comparables(plan: Plan) -> Iterator[Finding]:
    """Check the comparables model like the price model. It is optional, so a registry without one is a note."""
    if _champion(plan.state) is None:
        return  # the checks of the price model say so
    model = ServedModel.COMPARABLES
    champion = _champion(plan.state, model)
    if champion is None:
        details = f"{COMPARABLES} has no version with the alias {CHAMPION}: valuations have no comparable sales"
        yield Finding("registry, comparables", Verdict.NOTE, details, TRAIN)
        return
    yield Finding("registry, comparables", Verdict.OK, f"version {champion.version} of {COMPARABLES} is the {CHAMPION}")
    for check in (check_export, check_columns):
        for found in check(plan, model):
            yield replace(found, subject=f"{found.subject}, comparables")


def check_export(plan: Plan, model: ServedModel = ServedModel.PRICE) -> Iterator[Finding]:
    """Check that the export of a model is complete, unmodified and the registry's champion."""
    subject = "export"
    champion, folder = _champion(plan.state, model), _find_export(plan.state, model)
    if folder is None:
        verdict = Verdict.NOTE if champion is None else Verdict.PROBLEM
        yield Finding(subject, verdict, "no exported model", "run `housing-price up`: it exports the champion")
        return
    try:
        manifest = read_export(folder)
    except ArtefactError as error:
        fix = f"remove {folder} and restart `housing-price up`: it exports the champion"
        yield Finding(subject, Verdict.PROBLEM, str(error), fix)
        return
    exported = f"version {manifest.version}, model {manifest.model_id}"
    if champion is None or champion.is_exported_as(asdict(manifest)):
        yield Finding(subject, Verdict.OK, exported)
        return
    expected = f"version {champion.version}, digest {champion.digest or 'unknown'}"
    fix = "restart `housing-price up`: it exports the champion"
    details = f"{exported}, digest {manifest.digest}; the champion is {expected}"
    yield Finding(subject, Verdict.PROBLEM, details, fix)


def check_columns(plan: Plan, model: ServedModel = ServedModel.PRICE) -> Iterator[Finding]:
    """Check that the orchestrator sends exactly the columns of an exported model's signature."""
    subject = "signature"
    folder = _find_export(plan.state, model)
    if folder is None:
        yield Finding(subject, Verdict.NOTE, "not checked: there is no exported model", START)
        return
    try:
        expected = _read_signature(folder)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        yield Finding(subject, Verdict.PROBLEM, f"cannot read it: {error!r}", "export the model again")
        return
    command = orchestrator_columns()
    try:
        result = subprocess.run(  # noqa: S603 - a fixed command of this project
            command, capture_output=True, text=True, timeout=COLUMNS_TIMEOUT_SECONDS, check=True, env=environment()
        )
        sent = {column["name"]: column["type"] for column in json.loads(result.stdout)}
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError) as error:
        yield Finding(subject, Verdict.PROBLEM, f"cannot list the orchestrator's columns: {error}", "run `uv sync`")
        return
    if differences := list(compare_columns(sent, expected)):
        fix = "change the orchestrator's column map, or train a model with the columns that it sends"
        yield Finding(subject, Verdict.PROBLEM, "; ".join(differences), fix)
    else:
        yield Finding(subject, Verdict.OK, f"matches the {len(sent)} columns that the orchestrator sends")


def compare_columns(sent: Columns, expected: Columns) -> Iterator[str]:
    """Describe each difference between the columns that are sent and those of the model's signature."""
    if missing := expected.keys() - sent.keys():
        yield f"missing: {', '.join(sorted(missing))}"
    if unknown := sent.keys() - expected.keys():
        yield f"unknown to the model: {', '.join(sorted(unknown))}"
    for name in sorted(sent.keys() & expected.keys()):
        if sent[name] != expected[name]:
            yield f"{name} is sent as {sent[name]}, but the model expects {expected[name]}"


def _champion(state: State, model: ServedModel = ServedModel.PRICE) -> Champion | None:
    try:
        return read_champion(state.database, NAME_OF_MODEL[model])
    except sqlite3.Error:
        return None


def _find_export(state: State, model: ServedModel) -> Path | None:
    """Find the export of the champion, or the latest exported version if the registry names no champion."""
    champion, serving = _champion(state, model), state.serving.of(model)
    versions = serving.exported_versions() if champion is None else [champion.version]
    folders = (serving.export_of(version) for version in versions)
    return next((folder for folder in folders if (folder / MANIFEST).exists() and (folder / MODEL).is_dir()), None)


def _read_signature(folder: Path) -> Columns:
    document = yaml.safe_load((folder / MODEL / "MLmodel").read_text())
    return {column["name"]: column["type"] for column in json.loads(document["signature"]["inputs"])}
