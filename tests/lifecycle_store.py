"""Fills a registry with versions of both models, of which some are invalid."""

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.tracking import MlflowClient

from housing_price_model.artefact.export import digest_of
from housing_price_model.fitting.pipeline import Recipe
from housing_price_model.registry.downloads import download
from housing_price_model.registry.names import COMPARABLES, DIGEST_TAG, MODEL_ID_TAG, NAME
from housing_price_model.registry.versions import connect, register, register_challenger
from housing_price_model.survey.data import BUNDLED
from housing_price_model.training.mlflow_run import EXPERIMENT
from housing_price_model.training.train import train

QUICK = Recipe(trees=20, spread_trees=5, folds=3)
"""The same steps as the production recipe, but trains in one second."""

CHAMPION, SECOND, THIRD, OTHERWISE, DAMAGED = "1", "2", "3", "4", "5"
"""`OTHERWISE` has golden answers that differ from its model's answers; `DAMAGED` has a wrong recorded digest.

The comparables model has the versions 1, the champion, and 2; its version 3 has other golden answers.
"""


@dataclass(frozen=True)
class LifecycleStore:
    folder: Path
    uri: str

    def copied_to(self, folder: Path) -> str:
        """Copy the database for one test and return its URI. The model files are shared and read-only."""
        shutil.copyfile(self.folder / "mlflow.db", folder / "mlflow.db")
        return f"sqlite:///{folder / 'mlflow.db'}"


@cache
def _empty_database() -> bytes:
    """Return a database with MLflow's tables, which MLflow takes a second to create."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "mlflow.db"
        MlflowClient(f"sqlite:///{file}").search_experiments()
        return file.read_bytes()


def new_store(folder: Path) -> str:
    """Create an empty store and return its URI."""
    file = folder / "mlflow.db"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_empty_database())
    MlflowClient(f"sqlite:///{file}").create_experiment(EXPERIMENT, (folder / "artifacts").as_uri())
    return f"sqlite:///{file}"


def every_tenth_house(path: Path) -> Path:
    """Write every tenth house of the survey to a CSV file, for quick training."""
    lines = BUNDLED.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[1::10]]), encoding="utf-8")
    return path


def fill(folder: Path, houses: Path) -> LifecycleStore:
    """Create a store with versions 1 to 5 of the price model and 1 to 3 of the comparables model."""
    uri = new_store(folder)
    client = connect(uri)
    models = []
    for seed in range(2):
        trained = train(uri, houses, seed, recipe=QUICK, with_registration=False)
        models.append((logged_model(client, trained.run_id), trained.run_id, trained.model_id))
        comparables = logged_model(client, trained.run_id, "comparables")
        register(client, comparables, trained.run_id, trained.comparables.model_id, 0.15 + seed, name=COMPARABLES)
    register(client, *models[0], rmsle=0.15)
    register_challenger(client, *models[1], rmsle=0.16)
    # The first model again as another version, which saves a third training.
    register_challenger(client, models[0][0], "", models[0][2], rmsle=0.17)
    _register_changed(client, folder / "otherwise", changes_golden=True)
    _register_changed(client, folder / "damaged", changes_golden=False)
    _register_changed(client, folder / "other-comparables", changes_golden=True, name=COMPARABLES)
    return LifecycleStore(folder, uri)


def logged_model(client: MlflowClient, run_id: str, name: str = "model") -> str:
    """Return the URI of the model that a run logged under this name: "model" (of prices) or "comparables"."""
    outputs = client.get_run(run_id).outputs
    assert outputs is not None
    (found,) = [one.model_id for one in outputs.model_outputs if client.get_logged_model(one.model_id).name == name]
    return f"models:/{found}"


def _register_changed(client: MlflowClient, folder: Path, *, changes_golden: bool, name: str = NAME) -> None:
    folder.mkdir()
    model = download(f"models:/{name}/{SECOND}", folder)
    second = client.get_model_version(name, SECOND)
    if changes_golden:
        change_golden(model)
    digest = digest_of(model) if changes_golden else f"sha256:{'0' * 64}"
    version = client.create_model_version(name, model.as_uri(), second.run_id)
    for key, value in {DIGEST_TAG: digest, MODEL_ID_TAG: second.tags[MODEL_ID_TAG]}.items():
        client.set_model_version_tag(name, version.version, key, value)


def change_golden(model: Path) -> None:
    """Change a golden answer of a model by a hundredth, so that the model fails the check."""
    golden = model / "artifacts" / "golden.json"
    stored = json.loads(golden.read_text())
    answer = stored["answers"][0]
    answer.get("sales", [answer])[0]["price"] += 0.01
    golden.write_text(json.dumps(stored))
