"""Last step: logs the run and, if the candidate passed the gate, registers both models as challengers."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from mlflow.tracking import MlflowClient

from housing_price_model.candidate.card import CARD, CONTENT
from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.gate import GATE, GATE_STEP
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.search import SEARCH
from housing_price_model.candidate.training import TRAIN
from housing_price_model.candidate.validation import REPORT, VALIDATE
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.life_records import Life
from housing_price_model.registry.names import COMPARABLES, NAME
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import (
    RegisteredVersion,
    connect,
    find_same_model,
    register_challenger,
    registry_errors,
)
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_model.training.mlflow_run import (
    EXPERIMENT,
    LoggedRun,
    describe_comparables,
    describe_version,
    find_logged,
    log_run,
)
from housing_price_model.training.model_card import CARD_FOLDER
from housing_price_model.training.train import ARTIFACTS, RUN_FILES

RUN_TAG: Final = "candidate_run"
"""MLflow tag by which a repeated step finds the run of an interrupted attempt."""

_IN_USE: Final = frozenset({State.CHALLENGER, State.SHADOW, State.CANARY, State.CHAMPION})
"""States of versions that are worth no second registration: they have passed a gate, or serve."""


@dataclass(frozen=True)
class _Trained:
    """A model that the step `train` has packed, and the error by which the registry knows it."""

    packed: PackedModel
    rmsle: float


def register(task: Task) -> Result:
    """Log the run with its card and, if the gate passed, register both models; idempotent.

    A model that is identical to its champion, or to one of its challengers, is neither logged nor registered.
    """
    client = connect(task.connections.tracking_uri)
    is_passed, models = task.results[GATE_STEP.name]["passed"], _trained_models(task)
    houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
    logged = _find_earlier_attempt(client, task.run_id)
    same: dict[str, Life] = {}
    if is_passed:
        unlogged = models.keys() - (logged.model_uris.keys() if logged else ())
        found = {name: find_same_model(client, models[name].packed.model_id, _IN_USE, name) for name in unlogged}
        same = {name: life for name, life in found.items() if life is not None}
    new = {name: model for name, model in models.items() if name not in same}
    if logged is None and new:
        logged = _log(task, houses, {name: model.packed for name, model in new.items()})
    registered: dict[str, RegisteredVersion] = {}
    if is_passed and logged is not None:
        registered = {
            name: register_challenger(
                client, logged.model_uris[name], logged.run_id, model.packed.model_id, model.rmsle, name=name
            )
            for name, model in new.items()
            if name in logged.model_uris
        }
        _describe(client, task, registered, len(houses))
    result = _result_of(NAME, models, same, registered)
    if COMPARABLES in models:
        result["comparables"] = _result_of(COMPARABLES, models, same, registered)
    result["run_id"] = same[NAME].run_id if logged is None else logged.run_id
    (task.out / "registered.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    return result


REGISTER: Final = Step(
    "register", tuple(one.name for one in (EXTRACT, VALIDATE, SEARCH, TRAIN, GATE_STEP, CARD)), register
)


def _trained_models(task: Task) -> dict[str, _Trained]:
    """Return the models of the step `train`; only the price model if an earlier release performed it."""
    training, folder = task.results[TRAIN.name], task.inputs[TRAIN.name]
    models = {NAME: _Trained(_packed(folder / ARTIFACTS, training["model_id"]), training["metrics"]["rmsle"])}
    if comparables := training.get("comparables"):
        packed = _packed(folder / COMPARABLES, comparables["model_id"])
        models[COMPARABLES] = _Trained(packed, comparables["metrics"]["value_rmsle"])
    return models


def _packed(folder: Path, model_id: str) -> PackedModel:
    return PackedModel(model_id, {path.stem: str(path) for path in folder.iterdir()})


def _result_of(
    name: str,
    models: Mapping[str, _Trained],
    same: Mapping[str, Life],
    registered: Mapping[str, RegisteredVersion],
) -> dict[str, Any]:
    result: dict[str, Any] = {"version": None, "is_challenger": False, "model_id": models[name].packed.model_id}
    if name in same:
        return result | {"same_as": same[name].version}
    if name in registered:
        found = registered[name]
        return result | {"version": found.version, "is_challenger": True, "digest": found.digest}
    return result


def _describe(client: MlflowClient, task: Task, registered: Mapping[str, RegisteredVersion], houses: int) -> None:
    if price := registered.get(NAME):
        content = orjson.loads((task.inputs[CARD.name] / CONTENT).read_bytes())
        describe_version(client, price, price.run_id, content)
    if comparables := registered.get(COMPARABLES):
        describe_comparables(client, comparables, houses)


def _log(task: Task, houses: Houses, packed: Mapping[str, PackedModel]) -> LoggedRun:
    training = task.results[TRAIN.name]
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
        run_files = Path(folder) / "shown"
        shutil.copytree(task.inputs[TRAIN.name] / RUN_FILES, run_files)
        shutil.copytree(task.inputs[CARD.name], run_files / CARD_FOLDER, ignore=shutil.ignore_patterns(CONTENT))
        shutil.copyfile(task.inputs[GATE_STEP.name] / GATE, run_files / GATE)
        shutil.copyfile(task.inputs[VALIDATE.name] / REPORT, run_files / REPORT)
        parameters = orjson.dumps(task.parameters.to_json(), option=orjson.OPT_INDENT_2)
        (run_files / "parameters.json").write_bytes(parameters)
        return log_run(
            houses,
            name=f"candidate {task.run_id[:8]}, seed {task.parameters.seed}",
            source=Path(task.parameters.data or BUNDLED),
            recipe=Recipe(**task.results[SEARCH.name]["recipe"]),
            seed=task.parameters.seed,
            metrics=training["metrics"] | training.get("comparables", {}).get("metrics", {}),
            run_files=run_files,
            packed=packed,
            training_seconds=training["training_seconds"],
            tags={RUN_TAG: task.run_id, "gate": "passed" if task.results[GATE_STEP.name]["passed"] else "failed"},
        )


def _find_earlier_attempt(client: MlflowClient, run_id: str) -> LoggedRun | None:
    """Find the run of an interrupted attempt at this step; delete runs without a registered version."""
    with registry_errors("the runs in MLflow cannot be searched"):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return None
        versions = [one for name in (NAME, COMPARABLES) for one in client.search_model_versions(f"name='{name}'")]
        registered = {one.run_id for one in versions}
        for run in client.search_runs([experiment.experiment_id], f"tags.{RUN_TAG} = '{run_id}'"):
            if run.info.run_id in registered:
                return find_logged(client, run.info.run_id)
            client.delete_run(run.info.run_id)
    return None
