"""Last step: logs the run and, if the candidate passed the gate, registers it as the challenger."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

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
from housing_price_model.registry.names import NAME
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import connect, find_same_model, register_challenger, registry_errors
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_model.training.mlflow_run import EXPERIMENT, LoggedRun, describe_version, log_run
from housing_price_model.training.model_card import CARD_FOLDER
from housing_price_model.training.train import ARTIFACTS, RUN_FILES

RUN_TAG: Final = "candidate_run"
"""MLflow tag by which a repeated step finds the run of an interrupted attempt."""

_IN_USE: Final = frozenset({State.CHALLENGER, State.SHADOW, State.CANARY, State.CHAMPION})
"""States of versions that are worth no second registration: they have passed a gate, or serve."""


def register(task: Task) -> Result:
    """Log the run with its card and, if the gate passed, register the model; idempotent.

    A model that is identical to the champion or to a challenger is neither logged nor registered.
    """
    client = connect(task.connections.tracking_uri)
    gate, training = task.results[GATE_STEP.name], task.results[TRAIN.name]
    found: Result = {"version": None, "is_challenger": False, "model_id": training["model_id"]}
    logged = _find_earlier_attempt(client, task.run_id)
    if logged is None and gate["passed"]:
        same = find_same_model(client, training["model_id"], _IN_USE)
        if same is not None:
            found |= {"same_as": same.version, "run_id": same.run_id}
            (task.out / "registered.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
            return found
    if logged is None:
        logged = _log(task, read_houses(task.inputs[EXTRACT.name] / HOUSES))
    if gate["passed"]:
        rmsle = training["metrics"]["rmsle"]
        registered = register_challenger(client, logged.model_uris[NAME], logged.run_id, training["model_id"], rmsle)
        content = orjson.loads((task.inputs[CARD.name] / CONTENT).read_bytes())
        describe_version(client, registered, logged.run_id, content)
        found |= {"version": registered.version, "is_challenger": True, "digest": registered.digest}
    found["run_id"] = logged.run_id
    (task.out / "registered.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    return found


REGISTER: Final = Step(
    "register", tuple(one.name for one in (EXTRACT, VALIDATE, SEARCH, TRAIN, GATE_STEP, CARD)), register
)


def _log(task: Task, houses: Houses) -> LoggedRun:
    training = task.results[TRAIN.name]
    artefacts = {path.stem: str(path) for path in (task.inputs[TRAIN.name] / ARTIFACTS).iterdir()}
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
            metrics=training["metrics"],
            run_files=run_files,
            packed={NAME: PackedModel(training["model_id"], artefacts)},
            training_seconds=training["training_seconds"],
            tags={RUN_TAG: task.run_id, "gate": "passed" if task.results[GATE_STEP.name]["passed"] else "failed"},
        )


def _find_earlier_attempt(client: MlflowClient, run_id: str) -> LoggedRun | None:
    """Find the run of an interrupted attempt at this step; delete runs without a registered version."""
    with registry_errors("the runs in MLflow cannot be searched"):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return None
        sources = {one.run_id: one.source for one in client.search_model_versions(f"name='{NAME}'")}
        for run in client.search_runs([experiment.experiment_id], f"tags.{RUN_TAG} = '{run_id}'"):
            if source := sources.get(run.info.run_id):
                return LoggedRun(run.info.run_id, {NAME: source})
            client.delete_run(run.info.run_id)
    return None
