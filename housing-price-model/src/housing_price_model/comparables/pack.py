"""Packs the sold houses for MLflow: `served_comparables.py`, arrays and a JSON file, without any pickle."""

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType, Array, Object, Property

from housing_price_model.artefact.served_comparables import DEFAULT_K, ComparablesModel
from housing_price_model.comparables.blend import Blend
from housing_price_model.comparables.distance import CONDITION, RANKED_LAST, scaled_measures
from housing_price_model.fitting.pack import PackedModel
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.survey.data import Houses
from housing_price_model.survey.veneer import NO_VENEER, TYPE
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL

SERVED_FILE: Final = Path(inspect.getfile(ComparablesModel))

REQUIREMENTS: Final = tuple(f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas"))
"""The packages that a server of the model needs."""

SPECIFICATION: Final = "spec"
"""Name of the artefact with everything but the sold houses."""

_SALE: Final = Object(
    [
        *(Property(name, DataType.long) for name in ("id", "year", "month")),
        Property("pid", DataType.string, required=False),
        Property("condition", DataType.string),
        *(Property(name, DataType.double) for name in ("price", "distance")),
        Property("features", Array(AnyType())),
    ]
)

_BLEND: Final = Object(
    [
        *(
            Property(name, DataType.double)
            for name in ("weight", "distance_offset", "interval_scale", "interval_spread")
        ),
        Property(
            "confidence", Object([Property(name, DataType.double) for name in ("high", "medium")]), required=False
        ),
    ]
)

SIGNATURE: Final = ModelSignature(
    inputs=Schema(
        [
            # Which columns are required depends on the parameter `known`; the model itself checks it.
            ColSpec(DataType.string if name in CATEGORIES else DataType.double, name, required=False)
            for name in COLUMNS
        ]
    ),
    outputs=Schema(
        [
            ColSpec(Array(_SALE), "sales"),
            ColSpec(_BLEND, "blend"),
            ColSpec(DataType.string, "model_id"),
        ]
    ),
    params=ParamSchema(
        [ParamSpec("k", DataType.long, DEFAULT_K), ParamSpec("known", DataType.string, [], shape=(-1,))]
    ),
)


def pack_comparables(houses: Houses, blend: Blend, folder: Path) -> PackedModel:
    """Write the artefacts to a folder; equal houses and an equal blend give equal bytes and the same `model_id`."""
    values = ENCODER.encode(houses.features)
    spec: dict[str, Any] = {
        "columns": COLUMNS,
        "categories": ENCODER.categories,
        "optional": sorted(OPTIONAL),
        "blanks": {TYPE: NO_VENEER},
        "distance": scaled_measures(values),
        "ranked_last": sorted(RANKED_LAST),
        "condition": CONDITION,
        "year": "YrSold",
        "month": "MoSold",
        "blend": asdict(blend),
    }
    identity = hashlib.sha256()
    identity.update(hashlib.sha256(SERVED_FILE.read_bytes()).digest())
    paths = {}
    for name, array in _arrays(houses, values).items():
        paths[name] = folder / f"{name}.npy"
        np.save(paths[name], array, allow_pickle=False)
        identity.update(hashlib.sha256(paths[name].read_bytes()).digest())
    identity.update(hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).digest())
    spec["model_id"] = identity.hexdigest()[:16]
    paths[SPECIFICATION] = folder / f"{SPECIFICATION}.json"
    paths[SPECIFICATION].write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return PackedModel(spec["model_id"], {name: str(path) for name, path in paths.items()})


def load_comparables(artifacts: dict[str, str]) -> Callable[..., pd.DataFrame]:
    """Load artefacts as a server does and return the model's own predict, without MLflow's input checks."""
    model = ComparablesModel()
    context = PythonModelContext(artifacts, None)
    model.load_context(context)
    return partial(model.predict, context)


def _arrays(houses: Houses, values: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `served_comparables.ARRAYS`, in its order."""
    words = [name in ENCODER.categories for name in COLUMNS]
    numbers = [name not in ENCODER.categories for name in COLUMNS]
    return {
        "categories": np.ascontiguousarray(np.nan_to_num(values[:, words], nan=-1).astype(np.int8)),
        "numbers": np.ascontiguousarray(values[:, numbers]),
        "prices": houses.prices,
        "ids": houses.ids,
        "pids": np.array([(pid or "").encode() for pid in houses.pids], dtype=np.bytes_),
    }
