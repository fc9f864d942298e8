"""Last step: logs the run, and registers the model as challenger if it passed its gate."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import orjson
from mlflow.tracking import MlflowClient

from housing_price_model.candidate.card import CARD
from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.gate import GATE, GATE_STEP
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.search import SEARCH
from housing_price_model.candidate.training import TRAIN
from housing_price_model.candidate.validation import REPORT, VALIDATE
from housing_price_model.fitting.pack import Packed
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import connect, register_challenger, translated
from housing_price_model.survey.data import Houses, read_houses
from housing_price_model.training.mlflow_run import EXPERIMENT, Logged, log_run
from housing_price_model.training.train import ARTIFACTS, SHOWN

RUN_TAG: Final = "candidate_run"
"""The tag by which a repeated step finds what an interrupted one left."""


def register(task: Task) -> Result:
    """Log the run with its card, and register the model if the gate let it through; never twice."""
    client = connect(task.surroundings.tracking_uri)
    gate, training = task.results[GATE_STEP.name], task.results[TRAIN.name]
    found: Result = {"version": None, "is_challenger": False, "model_id": training["model_id"]}
    logged = _left_by_an_interrupted_attempt(client, task.run_id)
    if logged is None:
        logged = _log(task, read_houses(task.inputs[EXTRACT.name] / HOUSES))
    if gate["passed"]:
        rmsle = training["metrics"]["rmsle"]
        registered = register_challenger(client, logged.model_uri, logged.run_id, training["model_id"], rmsle)
        found |= {"version": registered.version, "is_challenger": True, "digest": registered.digest}
    found["run_id"] = logged.run_id
    (task.out / "registered.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    return found


REGISTER: Final = Step(
    "register", tuple(one.name for one in (EXTRACT, VALIDATE, SEARCH, TRAIN, GATE_STEP, CARD)), register
)


def _log(task: Task, houses: Houses) -> Logged:
    training = task.results[TRAIN.name]
    artefacts = {path.stem: str(path) for path in (task.inputs[TRAIN.name] / ARTIFACTS).iterdir()}
    with tempfile.TemporaryDirectory(prefix="housing-price-") as folder:
        shown = Path(folder) / "shown"
        shutil.copytree(task.inputs[TRAIN.name] / SHOWN, shown)
        shutil.copytree(task.inputs[CARD.name], shown / CARD.name)
        shutil.copyfile(task.inputs[GATE_STEP.name] / GATE, shown / GATE)
        shutil.copyfile(task.inputs[VALIDATE.name] / REPORT, shown / REPORT)
        parameters = orjson.dumps(task.parameters.to_json(), option=orjson.OPT_INDENT_2)
        (shown / "parameters.json").write_bytes(parameters)
        return log_run(
            houses,
            recipe=Recipe(**task.results[SEARCH.name]["recipe"]),
            seed=task.parameters.seed,
            metrics=training["metrics"],
            shown=shown,
            packed=Packed(training["model_id"], artefacts),
            training_seconds=training["training_seconds"],
            tags={RUN_TAG: task.run_id, "gate": "passed" if task.results[GATE_STEP.name]["passed"] else "failed"},
        )


def _left_by_an_interrupted_attempt(client: MlflowClient, run_id: str) -> Logged | None:
    """Find the run of an earlier attempt at this very step; one that did not come to a version is deleted."""
    with translated("the runs cannot be searched"):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return None
        sources = {one.run_id: one.source for one in client.search_model_versions(f"name='{NAME}'")}
        for run in client.search_runs([experiment.experiment_id], f"tags.{RUN_TAG} = '{run_id}'"):
            if source := sources.get(run.info.run_id):
                return Logged(run.info.run_id, source)
            client.delete_run(run.info.run_id)
    return None
