"""Trains both models from CSV to registry: validate, cross-validate, fit, pack, log, register and export."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient
from threadpoolctl import threadpool_limits

from housing_price_model.fitting.evaluate import CrossValidation, Fold, Progress, cross_validate, metrics
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pack import PackedModel, load, pack
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.fitting.ratio_studies import ratio_studies
from housing_price_model.reference.describe import add_reference_data
from housing_price_model.registry.names import COMPARABLES, NAME
from housing_price_model.registry.versions import connect
from housing_price_model.survey.data import BUNDLED, Houses, read_houses, require_enough_houses
from housing_price_model.training.comparables import build_comparables
from housing_price_model.training.held_out_estimates import HELD_OUT, HeldOut
from housing_price_model.training.held_out_measures import MEASURES, HeldOutMeasures
from housing_price_model.training.mlflow_run import describe_comparables, describe_version, log_run
from housing_price_model.training.model_card import CARD_FOLDER, card_content, write_card
from housing_price_model.training.outcome import Outcome, already_registered, export_outcome, register_logged
from housing_price_model.training.plots import draw

ARTIFACTS: Final = "artifacts"
"""Name of the folder for the artefacts of the model."""

RUN_FILES: Final = "shown"
"""Name of the folder for the files logged with the MLflow run: plots and held-out estimates."""

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


@dataclass(frozen=True, kw_only=True)
class Trained(Outcome):
    """The outcome of the price model."""

    metrics: dict[str, float]
    """The cross-validated metrics; see `evaluate.metrics`."""
    comparables: Outcome
    """The outcome of the comparables model."""


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
        with_registration: Whether to register the models; see `registry.versions.register`. A model that is identical
            to a registered one is neither logged nor registered.
        export_to: A folder to export the models to; see `outcome.EXPORTS`.
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
        price = build_model(houses, fitted, recipe, seed, Path(folder))
        comparables = build_comparables(houses, fitted.validation, Path(folder) / COMPARABLES)
        packed = {NAME: price, COMPARABLES: comparables.packed}
        studies = {"price": ratio_studies(houses, fitted.validation.estimates.price), "value": comparables.studies}
        HeldOutMeasures(comparables.measures, studies).write(Path(folder) / RUN_FILES / MEASURES)
        outcomes: dict[str, Outcome] = {}
        if with_registration:
            same = (already_registered(client, name, model.model_id) for name, model in packed.items())
            outcomes = {outcome.name: outcome for outcome in same if outcome is not None}
        new = {name: model for name, model in packed.items() if name not in outcomes}
        content = card_content(
            houses,
            recipe=recipe,
            seed=seed,
            model_id=price.model_id,
            metrics=fitted.metrics,
            studies=studies,
            valuation=comparables.measures,
            training_seconds=training_seconds,
            run_files=Path(folder) / RUN_FILES,
        )
        (Path(folder) / RUN_FILES / CARD_FOLDER).mkdir()
        write_card(content, Path(folder) / RUN_FILES / CARD_FOLDER)
        logged = None
        if new:
            logged = log_run(
                houses,
                name=f"train, seed {seed}",
                source=data,
                recipe=recipe,
                seed=seed,
                metrics=fitted.metrics | comparables.metrics(),
                run_files=Path(folder) / RUN_FILES,
                packed=new,
                training_seconds=training_seconds,
            )
    if logged is not None:
        rmsle = {NAME: fitted.metrics["rmsle"], COMPARABLES: comparables.measures["value"]["rmsle"]}
        for name, model in new.items():
            outcomes[name] = Outcome(name, model.model_id, logged.run_id)
            if with_registration:
                outcomes[name] = register_logged(client, name, logged, model.model_id, rmsle[name])
        _describe(client, outcomes, content, len(houses))
    if export_to is not None:
        for outcome in outcomes.values():
            export_outcome(outcome, logged, tracking_uri, export_to)
    progress("Logging", 1.0)
    return Trained(**vars(outcomes[NAME]), metrics=fitted.metrics, comparables=outcomes[COMPARABLES])


def _describe(client: MlflowClient, outcomes: Mapping[str, Outcome], content: Mapping[str, Any], houses: int) -> None:
    if registered := outcomes[NAME].registered:
        describe_version(client, registered, outcomes[NAME].run_id, content)
    if registered := outcomes[COMPARABLES].registered:
        describe_comparables(client, registered, houses)


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
