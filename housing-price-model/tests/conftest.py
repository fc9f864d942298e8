"""Shared fixtures: the houses, and a quickly trained model in its own registry."""

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import mlflow
import pandas as pd
import pytest

with warnings.catch_warnings():
    # MLflow warns about its own type hints when it is imported; later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from tests.lifecycle_store import QUICK, LifecycleStore, every_tenth_house, fill, new_store

from housing_price_model.artefact.export import MODEL
from housing_price_model.comparables.blend import Blend
from housing_price_model.comparables.pack import REQUIREMENTS, SERVED_FILE, SIGNATURE, pack_comparables
from housing_price_model.fitting.pack import load
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_model.training.train import Trained, train

type Predict = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="session")
def houses() -> Houses:
    return read_houses(BUNDLED)


@pytest.fixture(scope="session")
def few_houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file with every tenth house."""
    return every_tenth_house(tmp_path_factory.mktemp("data") / "few.csv")


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def store(store_folder: Path) -> str:
    """The tracking URI of the store that `trained` uses."""
    return new_store(store_folder)


@pytest.fixture(scope="session")
def trained(store: str, store_folder: Path, few_houses: Path) -> Trained:
    """A quickly trained model, the champion of the store."""
    with pytest.MonkeyPatch.context() as patch:
        # The default on most machines. Bytecode must not become part of the model.
        patch.setattr(sys, "dont_write_bytecode", False)
        return train(store, few_houses, recipe=QUICK, export_to=store_folder / "export")


@pytest.fixture(scope="session")
def export(store_folder: Path, trained: Trained) -> Path:
    """The folder to which `trained` was exported."""
    del trained
    return store_folder / "export"


@pytest.fixture(scope="session")
def comparables_model(tmp_path_factory: pytest.TempPathFactory, few_houses: Path) -> Path:
    """The MLflow model folder of a comparables model with every tenth house, without a training."""
    folder = tmp_path_factory.mktemp("comparables")
    few = read_houses(few_houses)
    packed = pack_comparables(few, Blend(0.5, 0.3, 1.0, 0.0), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("MLFLOW_UV_AUTO_DETECT", "false")
        mlflow.pyfunc.save_model(
            folder / "model",
            python_model=str(SERVED_FILE),
            artifacts=packed.artifacts,
            signature=SIGNATURE,
            input_example=few.features.head(2),
            pip_requirements=list(REQUIREMENTS),
        )
    return folder / "model"


@pytest.fixture
def empty_store(tmp_path: Path) -> str:
    return new_store(tmp_path)


@pytest.fixture(scope="session")
def predict(champion: Path) -> Predict:
    """The served model's own predict."""
    artifacts = champion / MODEL / "artifacts"
    return load({"graph": str(artifacts / "graph.onnx"), "spec": str(artifacts / "spec.json")})


@pytest.fixture(scope="session")
def lifecycle_store(tmp_path_factory: pytest.TempPathFactory, few_houses: Path) -> LifecycleStore:
    """A registry for tests of moves; each test copies it."""
    return fill(tmp_path_factory.mktemp("lifecycle"), few_houses)
