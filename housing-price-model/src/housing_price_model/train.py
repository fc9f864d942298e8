"""Trains a model: reads, checks, cross-validates, fits, packs, logs and registers it."""

import platform
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import mlflow
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from housing_price_model.artefact import Manifest, digest_of, write_export
from housing_price_model.data import BUNDLED, Houses, read_houses
from housing_price_model.evaluate import Progress, cross_validate, metrics
from housing_price_model.intervals import Interval
from housing_price_model.packaging import REQUIREMENTS, SERVED, SIGNATURE, Packed, example, load, pack
from housing_price_model.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.registry import NAME, Registered, connect, register

EXPERIMENT: Final = NAME
_MAX_DIFFERENCE: Final = 1e-4
"""Of a packed price from a fitted one, as a share: the trees' 32 bits and the rounding to cents make about 1e-6."""

_LIBRARIES: Final = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


@dataclass(frozen=True)
class Trained:
    """What training made.

    Attributes:
        model_id: The identity that the model gives with each price.
        run_id: The MLflow run.
        metrics: Cross-validated; see `evaluate.metrics`.
        registered: The version in the registry, if it was registered.
        is_champion: Whether that version is the champion now.
    """

    model_id: str
    run_id: str
    metrics: dict[str, float]
    registered: Registered | None
    is_champion: bool


def train(
    tracking_uri: str,
    data: Path = BUNDLED,
    seed: int = 0,
    *,
    is_registered: bool = True,
    export_to: Path | None = None,
    recipe: Recipe | None = None,
    progress: Progress = lambda _: None,
) -> Trained:
    """Train on a CSV and log the run; the same seed and data give the same predictions, bit for bit.

    Args:
        tracking_uri: The MLflow tracking server.
        data: The houses.
        seed: Of the folds and of the trees.
        is_registered: Whether to register the model, and make it the champion if it is the first or better.
        export_to: A folder to export the model to.
        recipe: What to train; the served one by default.
        progress: Is told how far it is.

    Raises:
        DataError: the data is wrong; nothing was trained.
        RegistryError: the tracking server does not answer.
        ArtefactError: the export cannot be written.
    """
    recipe = recipe or Recipe()
    houses = read_houses(data)
    client = connect(tracking_uri)
    values = ENCODER.encode(houses.features)
    log_prices = np.log(houses.prices)
    validation = cross_validate(values, houses.prices, recipe, seed, progress)
    measured = metrics(houses.prices, validation.estimates)
    with threadpool_limits(1):
        price = PriceFit.fit(values, log_prices, recipe, seed)
        interval = Interval.fit(values, validation.errors, recipe, seed)
    mlflow.set_experiment(EXPERIMENT)
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        packed = pack(price, interval, recipe, Path(folder))
        _check(packed, houses, price)
        mlflow.log_params(asdict(recipe) | {"seed": seed, "houses": len(houses), "data_sha256": houses.digest})
        mlflow.log_params({"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES})
        mlflow.log_metrics(measured)
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(SERVED),
            artifacts=packed.artifacts,
            signature=SIGNATURE,
            input_example=example(houses.features),
            pip_requirements=list(REQUIREMENTS),
        )
        run_id = run.info.run_id
    registered, is_champion = None, False
    if is_registered:
        registered, is_champion = register(client, logged.model_uri, run_id, packed.model_id, measured["rmsle"])
    if export_to is not None:
        _export(logged.model_uri, registered, packed.model_id, run_id, export_to)
    return Trained(packed.model_id, run_id, measured, registered, is_champion)


def _check(packed: Packed, houses: Houses, price: PriceFit) -> None:
    """Refuse a graph that does not say what the estimators say."""
    said = load(packed.artifacts)(houses.features)["price"].to_numpy()
    meant = np.exp(price.predict(ENCODER.encode(houses.features)))
    worst = float(np.max(np.abs(said / meant - 1)))
    if worst > _MAX_DIFFERENCE:
        raise RuntimeError(f"the packed model differs from the fitted one by a factor of {1 + worst}")


def _export(model_uri: str, registered: Registered | None, model_id: str, run_id: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        model = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=temporary))
        manifest = Manifest(
            name=NAME,
            version=registered.version if registered else model_id,
            model_id=model_id,
            digest=registered.digest if registered else digest_of(model),
            run_id=run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(model, manifest, folder)
