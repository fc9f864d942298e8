"""Evaluates the candidate and compares it with the champion, both on the same out-of-sample houses."""

from pathlib import Path
from typing import Any, Final

import mlflow
import numpy as np
import orjson
from mlflow.exceptions import MlflowException

from housing_price_model.candidate.extract import EXTRACT, HOUSES
from housing_price_model.candidate.groups import groups, held_out_estimates, measure, paired_z
from housing_price_model.candidate.run import Result, Step, Task
from housing_price_model.candidate.training import TRAIN
from housing_price_model.errors import ArtefactError
from housing_price_model.fitting.evaluate import Estimates
from housing_price_model.reference.profile import cells_of
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import RegisteredVersion, connect, download_checked
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.load_model import load_model
from housing_price_model.survey.data import Houses, read_houses
from housing_price_model.training.held_out_estimates import HELD_OUT, HeldOut
from housing_price_model.training.train import RUN_FILES
from housing_price_survey.columns import COLUMNS

MEASURED: Final = "measured.json"
COMPARISON: Final = "comparison.json"


def evaluate(task: Task) -> Result:
    """Measure the cross-validated prices, overall and by group."""
    houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
    estimates, _ = held_out_estimates(houses, HeldOut.read(task.inputs[TRAIN.name] / RUN_FILES / HELD_OUT))
    found = measure(houses, estimates)
    (task.out / MEASURED).write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    overall: dict[str, Any] = found["overall"]
    return overall


EVALUATE: Final = Step("evaluate", (EXTRACT.name, TRAIN.name), evaluate)


def compare(task: Task) -> Result:
    """Measure the champion on the same houses and compare the two models."""
    version = task.parameters.champion
    mine = orjson.loads((task.inputs[EVALUATE.name] / MEASURED).read_bytes())
    if version is None:
        (task.out / COMPARISON).write_bytes(orjson.dumps({"champion": None}))
        return {"champion": None}
    houses = read_houses(task.inputs[EXTRACT.name] / HOUSES)
    with download_checked(connect(task.connections.tracking_uri), f"models:/{NAME}/{version}") as (registered, folder):
        own = prices(DirectModel(load_model(folder, f"{registered.name} version {version}")), houses)
    held_out = held_out_of(registered, task.out)
    estimates, seen = out_of_sample(houses, own, held_out)
    theirs = measure(houses, estimates)
    candidate, _ = held_out_estimates(houses, HeldOut.read(task.inputs[TRAIN.name] / RUN_FILES / HELD_OUT))
    beside = [
        paired_z(houses.prices[one.rows], candidate.price[one.rows], estimates.price[one.rows])
        for one in groups(houses)
    ]
    champion = {
        "version": registered.version,
        "model_id": registered.model_id,
        "houses_seen": int(seen.sum()) if held_out is not None else None,
        "estimates": _describe_estimates(held_out, int(seen.sum()), len(houses)),
    }
    comparison = {
        "champion": champion,
        "overall": {"candidate": mine["overall"], "champion": theirs["overall"]},
        "groups": [
            {
                **{name: ours[name] for name in ("kind", "name", "houses")},
                "candidate": ours,
                "champion": other,
                "z": z,
            }
            for ours, other, z in zip(mine["groups"], theirs["groups"], beside, strict=True)
        ],
    }
    (task.out / COMPARISON).write_bytes(orjson.dumps(comparison, option=orjson.OPT_INDENT_2))
    return {"champion": champion, "overall": comparison["overall"]}


COMPARE: Final = Step("compare", (EXTRACT.name, TRAIN.name, EVALUATE.name), compare)


def prices(model: DirectModel, houses: Houses) -> Estimates:
    """Price houses with a model."""
    answer = model.predict(Rows(COLUMNS, cells_of(houses.features)))
    price, low, high = (answer[name].to_numpy(np.float64) for name in ("price", "low", "high"))
    return Estimates(price, low, high)


def held_out_of(champion: RegisteredVersion, folder: Path) -> HeldOut | None:
    """Download a version's cross-validated prices; None if its run did not store them, as old runs did not.

    Raises:
        ArtefactError: the files of the run cannot be read.
    """
    try:
        files = mlflow.MlflowClient().list_artifacts(champion.run_id)
        if HELD_OUT not in {file.path for file in files}:
            return None
        path = mlflow.artifacts.download_artifacts(run_id=champion.run_id, artifact_path=HELD_OUT, dst_path=str(folder))
    except MlflowException as error:
        raise ArtefactError(f"run {champion.run_id}: its files cannot be read ({error})") from error
    return HeldOut.read(Path(path))


def out_of_sample(houses: Houses, own: Estimates, held_out: HeldOut | None) -> tuple[Estimates, np.ndarray[Any, Any]]:
    """Return the cross-validated price of each house that the model was trained on, and its own price of any other."""
    if held_out is None:
        return own, np.zeros(len(houses), dtype=bool)
    before, seen = held_out_estimates(houses, held_out)
    price, low, high = (
        np.where(seen, theirs, ours)
        for theirs, ours in ((before.price, own.price), (before.low, own.low), (before.high, own.high))
    )
    return Estimates(price, low, high), seen


def _describe_estimates(held_out: HeldOut | None, seen: int, count: int) -> str:
    if held_out is None:
        return "its own predictions, which are too good for houses in its training set (no cross-validation is stored)"
    return f"cross-validated for the {seen:,} houses in its training set, predicted for the other {count - seen:,}"
