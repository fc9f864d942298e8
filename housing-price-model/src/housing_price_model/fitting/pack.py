"""Packs the fitted estimators for MLflow: `served.py`, an ONNX graph and a JSON file, without any pickle."""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModelContext
from mlflow.types import ColSpec, DataType, Schema

from housing_price_model.artefact.served import HousePriceModel
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.onnx_graph import build_graph
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL

SERVED_FILE: Final = Path(inspect.getfile(HousePriceModel))

REQUIREMENTS: Final = tuple(f"{name}=={version(name)}" for name in ("mlflow", "numpy", "onnxruntime", "pandas"))
"""The packages that a server of the model needs."""

SIGNATURE: Final = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.string if name in CATEGORIES else DataType.double, name, required=name not in OPTIONAL)
            for name in COLUMNS
        ]
    ),
    outputs=Schema(
        [*(ColSpec(DataType.double, name) for name in ("price", "low", "high")), ColSpec(DataType.string, "model_id")]
    ),
)


@dataclass(frozen=True)
class PackedModel:
    """A packed model."""

    model_id: str
    """A hash of the code, the graph and the specification."""
    artifacts: dict[str, str]
    """Paths of the artefact files, by the name that MLflow gives them."""


def pack(price: PriceFit, interval: Interval, recipe: Recipe, folder: Path) -> PackedModel:
    """Write the artefacts to a folder; equal fits give equal bytes and the same `model_id`."""
    graph = build_graph(price, interval.spread)
    spec: dict[str, Any] = {
        "columns": ENCODER.columns,
        "categories": ENCODER.categories,
        "optional": sorted(OPTIONAL),
        "lowest": price.ranges.lowest.tolist(),
        "highest": price.ranges.highest.tolist(),
        "interval": {"level": recipe.level, "below": interval.below, "above": interval.above},
    }
    identity = hashlib.sha256()
    for part in (SERVED_FILE.read_bytes(), graph, json.dumps(spec, sort_keys=True).encode()):
        identity.update(hashlib.sha256(part).digest())
    spec["model_id"] = identity.hexdigest()[:16]
    paths = {"graph": folder / "graph.onnx", "spec": folder / "spec.json"}
    paths["graph"].write_bytes(graph)
    paths["spec"].write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return PackedModel(spec["model_id"], {name: str(path) for name, path in paths.items()})


def load(artifacts: dict[str, str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Load artefacts as a server does and return the model's own predict, without MLflow's input checks."""
    model = HousePriceModel()
    context = PythonModelContext(artifacts, None)
    model.load_context(context)
    return partial(model.predict, context)
