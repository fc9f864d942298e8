"""Trains a model: reads, checks, cross-validates, fits, packs, describes, logs, registers and exports it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from housing_price_model.artefact.export import Manifest, digest_of, write_export
from housing_price_model.errors import DataError
from housing_price_model.fitting.evaluate import CrossValidation, Fold, Progress, cross_validate, metrics
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pack import Packed, load, pack
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.reference.describe import describe
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import Registered, connect, download, register
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_model.training.held_out_estimates import HELD_OUT, HeldOut
from housing_price_model.training.mlflow_run import Logged, log_run
from housing_price_model.training.plots import draw

LEAST_HOUSES: Final = 50
"""Two cross-validations, one inside the other, and a 5 % tail need so many."""

ARTIFACTS: Final = "artifacts"
"""The folder with what a model is made of."""

SHOWN: Final = "shown"
"""The folder with what a run shows in MLflow."""

_MAX_DIFFERENCE: Final = 1e-4
"""Of a packed price from a fitted one, as a share: the trees' 32 bits and the rounding to cents make about 1e-6."""


@dataclass(frozen=True)
class Fitted:
    """Everything that was learned from houses, and how good it is on houses that it had not seen."""

    price: PriceFit
    interval: Interval
    validation: CrossValidation
    metrics: dict[str, float]


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
    with_registration: bool = True,
    export_to: Path | None = None,
    recipe: Recipe | None = None,
    progress: Progress = lambda _stage, _share: None,
) -> Trained:
    """Train on a CSV and log the run; the same seed and data give the same predictions, bit for bit.

    Args:
        tracking_uri: The MLflow tracking server.
        data: The houses.
        seed: Of the folds and of the trees.
        with_registration: Whether to register the model; it becomes the champion if it is the first or better.
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
    if len(houses) < LEAST_HOUSES:
        raise DataError(f"{data}: has {len(houses)} houses, training needs at least {LEAST_HOUSES}")
    client = connect(tracking_uri)
    started = monotonic()
    fitted = fit(houses, recipe, seed, progress)
    training_seconds = round(monotonic() - started, 1)
    progress("Logging", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        packed = make(houses, fitted, recipe, seed, Path(folder))
        logged = log_run(
            houses,
            recipe=recipe,
            seed=seed,
            metrics=fitted.metrics,
            shown=Path(folder) / SHOWN,
            packed=packed,
            training_seconds=training_seconds,
        )
    registered, is_champion = None, False
    if with_registration:
        registered, is_champion = register(
            client, logged.model_uri, logged.run_id, packed.model_id, fitted.metrics["rmsle"]
        )
    if export_to is not None:
        _export(logged, registered, packed.model_id, export_to)
    progress("Logging", 1.0)
    return Trained(packed.model_id, logged.run_id, fitted.metrics, registered, is_champion)


def fit(
    houses: Houses,
    recipe: Recipe,
    seed: int,
    progress: Progress = lambda _stage, _share: None,
    folds: Sequence[Fold] | None = None,
) -> Fitted:
    """Cross-validate, then fit on all houses; the interval is calibrated on the held-out errors.

    Args:
        houses: What to learn from.
        recipe: How.
        seed: Of the folds and of the trees.
        progress: Is told how far it is.
        folds: Which houses are held out together; by default those of `evaluate.split`.
    """
    values = ENCODER.encode(houses.features)
    validation = cross_validate(values, houses.prices, recipe, seed, progress, folds=folds)
    progress("Fitting", 0.0)
    with threadpool_limits(1):  # the last bits of a sum depend on how many threads share it
        price = PriceFit.fit(values, np.log(houses.prices), recipe, seed)
        interval = Interval.fit(values, validation.errors, recipe, seed)
    return Fitted(price, interval, validation, metrics(houses.prices, validation.estimates))


def make(houses: Houses, fitted: Fitted, recipe: Recipe, seed: int, folder: Path) -> Packed:
    """Write a model into a folder: `artifacts/`, and in `shown/` what people and later comparisons look at.

    Raises:
        RuntimeError: the packed model does not say what the fitted one does.
    """
    model, shown = folder / ARTIFACTS, folder / SHOWN
    for made in (model, shown / "plots"):
        made.mkdir(parents=True)
    packed = pack(fitted.price, fitted.interval, recipe, model)
    answers = load(packed.artifacts)(houses.features)
    _check(answers, houses, fitted.price)
    packed = describe(packed, houses, answers, fitted.validation, model)
    for name, figure in draw(houses, fitted.validation, fitted.price, seed).items():
        figure.savefig(shown / "plots" / name)
    HeldOut.of(houses, fitted.validation.estimates).write(shown / HELD_OUT)
    return packed


def _check(answers: pd.DataFrame, houses: Houses, price: PriceFit) -> None:
    """Refuse a graph whose answers are not what the estimators say."""
    said = answers["price"].to_numpy()
    meant = np.exp(price.predict(ENCODER.encode(houses.features)))
    worst = float(np.max(np.abs(said / meant - 1)))
    if worst > _MAX_DIFFERENCE:
        raise RuntimeError(f"the packed model's prices differ from the fitted one's by up to {worst:.2%}")


def _export(logged: Logged, registered: Registered | None, model_id: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        model = download(logged.model_uri, Path(temporary))
        manifest = Manifest(
            name=NAME,
            version=registered.version if registered else model_id,
            model_id=model_id,
            digest=registered.digest if registered else digest_of(model),
            run_id=logged.run_id,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_export(model, manifest, folder)
