"""Trains a model from CSV to registry: validate, cross-validate, fit, pack, log, register and export."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from housing_price_model.artefact.export import Manifest, digest_of, write_export
from housing_price_model.fitting.evaluate import CrossValidation, Fold, Progress, cross_validate, metrics
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pack import PackedModel, load, pack
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.reference.describe import add_reference_data
from housing_price_model.registry.export_version import export_registered
from housing_price_model.registry.names import NAME
from housing_price_model.registry.states import State
from housing_price_model.registry.versions import (
    RegisteredVersion,
    connect,
    download,
    find_same_model,
    register,
    serving_version,
)
from housing_price_model.survey.data import BUNDLED, Houses, read_houses, require_enough_houses
from housing_price_model.training.held_out_estimates import HELD_OUT, HeldOut
from housing_price_model.training.mlflow_run import LoggedRun, describe_version, log_run
from housing_price_model.training.model_card import CARD_FOLDER, card_content, write_card
from housing_price_model.training.plots import draw

ARTIFACTS: Final = "artifacts"
"""Name of the folder for the artefacts of the model."""

RUN_FILES: Final = "shown"
"""Name of the folder for the files logged with the MLflow run: plots and held-out estimates."""

_USABLE: Final = frozenset(State) - {State.ARCHIVED}
"""States in which an identical model is not registered again. An archived version returns only as a new one."""

_MAX_DIFFERENCE: Final = 1e-4
"""Maximum relative difference between packed and fitted prices.

The 32-bit trees and the rounding to cents cause about 1e-6.
"""


@dataclass(frozen=True)
class Fitted:
    """The fitted estimators, their cross-validation and its metrics."""

    price: PriceFit
    interval: Interval
    validation: CrossValidation
    metrics: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """The result of a training run.

    Attributes:
        model_id: The content hash that the model returns with each price.
        run_id: The MLflow run.
        metrics: The cross-validated metrics; see `evaluate.metrics`.
        registered: The version in the registry; None if the model was not registered.
        is_champion: Whether that version became the champion.
        same_as: The registered version with the identical model; nothing was logged or registered then.
        serving: The version that a stack serves, and that only a move replaces; None if none has served yet.
    """

    model_id: str
    run_id: str
    metrics: dict[str, float]
    registered: RegisteredVersion | None
    is_champion: bool
    same_as: str | None = None
    serving: str | None = None


def train(
    tracking_uri: str,
    data: Path = BUNDLED,
    seed: int = 0,
    *,
    with_registration: bool = True,
    export_to: Path | None = None,
    recipe: Recipe | None = None,
    progress: Progress = lambda _stage, _fraction: None,
) -> Trained:
    """Train on a CSV file and log the run.

    The same seed and data give the same predictions, bit for bit, on the same kind of processor.

    Args:
        tracking_uri: The MLflow tracking server.
        data: A CSV file of sold houses.
        seed: The random seed of the folds and of the trees.
        with_registration: Whether to register the model; see `registry.versions.register`. A model that is identical
            to a registered one is neither logged nor registered.
        export_to: A folder to export the model to.
        recipe: The training parameters; those of the served model by default.
        progress: Called with the progress of each stage.

    Raises:
        DataError: The data is invalid; nothing was trained.
        RegistryError: The tracking server does not respond.
        ArtefactError: The export cannot be written.
    """
    recipe = recipe or Recipe()
    houses = read_houses(data)
    require_enough_houses(houses, data)
    client = connect(tracking_uri)
    started = monotonic()
    fitted = fit(houses, recipe, seed, progress)
    training_seconds = round(monotonic() - started, 1)
    progress("Logging", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        packed = build_model(houses, fitted, recipe, seed, Path(folder))
        if with_registration and (same := find_same_model(client, packed.model_id, _USABLE)) is not None:
            if export_to is not None:
                export_registered(f"models:/{NAME}/{same.version}", export_to, tracking_uri)
            progress("Logging", 1.0)
            return Trained(packed.model_id, same.run_id or "", fitted.metrics, None, False, same_as=same.version)
        content = card_content(
            houses,
            recipe=recipe,
            seed=seed,
            model_id=packed.model_id,
            metrics=fitted.metrics,
            studies={"price": ratio_studies(houses, fitted.validation.estimates.price)},
            training_seconds=training_seconds,
            run_files=Path(folder) / RUN_FILES,
        )
        (Path(folder) / RUN_FILES / CARD_FOLDER).mkdir()
        write_card(content, Path(folder) / RUN_FILES / CARD_FOLDER)
        logged = log_run(
            houses,
            name=f"train, seed {seed}",
            source=data,
            recipe=recipe,
            seed=seed,
            metrics=fitted.metrics,
            run_files=Path(folder) / RUN_FILES,
            packed=packed,
            training_seconds=training_seconds,
        )
    registered, is_champion = None, False
    if with_registration:
        registered, is_champion = register(
            client, logged.model_uri, logged.run_id, packed.model_id, fitted.metrics["rmsle"]
        )
        describe_version(client, registered, logged.run_id, content)
    if export_to is not None:
        _export(logged, registered, packed.model_id, export_to)
    progress("Logging", 1.0)
    serving = serving_version(client) if registered else None
    return Trained(packed.model_id, logged.run_id, fitted.metrics, registered, is_champion, serving=serving)


def fit(
    houses: Houses,
    recipe: Recipe,
    seed: int,
    progress: Progress = lambda _stage, _fraction: None,
    folds: Sequence[Fold] | None = None,
) -> Fitted:
    """Cross-validate, then fit on all houses; correction and interval are calibrated on the held-out estimates.

    Args:
        houses: The training data.
        recipe: The training parameters.
        seed: The random seed of the folds and of the trees.
        progress: Called with the progress of each stage.
        folds: The folds of the cross-validation; those of `evaluate.split` by default.
    """
    values = ENCODER.encode(houses.features)
    validation = cross_validate(values, houses.prices, recipe, seed, progress, folds=folds)
    progress("Fitting", 0.0)
    with threadpool_limits(1):  # the number of threads changes the last bits of a sum
        price = replace(PriceFit.fit(values, np.log(houses.prices), recipe, seed), stretch=validation.stretch)
        interval = Interval.fit(values, validation.errors, recipe, seed)
    return Fitted(price, interval, validation, metrics(houses.prices, validation.estimates))


def build_model(houses: Houses, fitted: Fitted, recipe: Recipe, seed: int, folder: Path) -> PackedModel:
    """Write the model to `artifacts/` in a folder, and the files of its MLflow run to `shown/`.

    Raises:
        RuntimeError: The prices of the packed model differ from those of the fitted one.
    """
    model, run_files = folder / ARTIFACTS, folder / RUN_FILES
    for subfolder in (model, run_files / "plots"):
        subfolder.mkdir(parents=True)
    packed = pack(fitted.price, fitted.interval, recipe, model)
    answers = load(packed.artifacts)(houses.features)
    _check_packed_prices(answers, houses, fitted.price)
    packed = add_reference_data(packed, houses, answers, fitted.validation, model)
    for name, figure in draw(houses, fitted.validation, fitted.price, seed).items():
        figure.savefig(run_files / "plots" / name)
    HeldOut.of(houses, fitted.validation.estimates).write(run_files / HELD_OUT)
    return packed


def _check_packed_prices(answers: pd.DataFrame, houses: Houses, price: PriceFit) -> None:
    """Raise if the packed graph's prices differ from those of the fitted estimators."""
    packed = answers["price"].to_numpy()
    fitted = np.exp(price.predict(ENCODER.encode(houses.features)))
    worst = float(np.max(np.abs(packed / fitted - 1)))
    if worst > _MAX_DIFFERENCE:
        raise RuntimeError(f"the packed model's prices differ from the fitted one's by up to {worst:.2%}")


def _export(logged: LoggedRun, registered: RegisteredVersion | None, model_id: str, folder: Path) -> None:
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
