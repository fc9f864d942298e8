"""Read-only views of versions: all of them, one with its moves, or two compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from mlflow.tracking import MlflowClient

from housing_price_model.candidate.comparison import held_out_of, out_of_sample, prices
from housing_price_model.errors import RegistryError
from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.registry.life_records import Life, LifeRecords
from housing_price_model.registry.names import NAME, NAME_OF_MODEL
from housing_price_model.registry.versions import connect, download_checked, registry_errors
from housing_price_model.serving.fast_scoring import DirectModel
from housing_price_model.serving.load_model import load_model
from housing_price_model.survey.data import Houses, read_houses
from housing_price_platform.orders.moves import ServedModel

_FAR_APART: Final = 0.05


@dataclass(frozen=True)
class Differences:
    """Absolute price differences between two models, as shares of the second model's price."""

    median: float
    p95: float
    largest: float
    far_apart: float
    """Share of the houses whose prices differ by more than 5 %."""


@dataclass(frozen=True)
class VersionComparison:
    """A comparison of two versions."""

    versions: tuple[str, str]
    """The two version numbers."""
    registered: tuple[dict[str, float], dict[str, float]]
    """Metrics that each version's training logged, by name."""
    measured: tuple[dict[str, float], dict[str, float]]
    """Metrics of each version on the same houses. Houses that a version was trained on count with its cross-validated
    prices where its run stored them."""
    is_out_of_sample: tuple[bool, bool]
    """Whether each version's run stored cross-validated prices; otherwise its metrics are optimistic."""
    houses: int
    """Number of houses."""
    differences: Differences
    """Differences between the prices that the two versions give now."""


def all_versions(tracking_uri: str, model: ServedModel = ServedModel.PRICE) -> list[Life]:
    """Return every version of a model with its state and moves, oldest first; none if there is no such model yet.

    Raises:
        RegistryError: the registry does not answer.
    """
    with registry_errors("the registry cannot be read"):
        return LifeRecords(connect(tracking_uri), NAME_OF_MODEL[model]).all()


def one_version(
    tracking_uri: str, version: str, model: ServedModel = ServedModel.PRICE
) -> tuple[Life, dict[str, float]]:
    """Return a version and its training metrics.

    Raises:
        RegistryError: the registry does not answer.
        MoveError: the version does not exist.
    """
    client = connect(tracking_uri)
    with registry_errors("the registry cannot be read"):
        life = LifeRecords(client, NAME_OF_MODEL[model]).find(version)
        return life, _registered(client, life)


def champion_of(tracking_uri: str) -> str:
    """Return the champion's version number.

    Raises:
        RegistryError: there is no champion, or the registry does not answer.
    """
    with registry_errors("the registry cannot be read"):
        champion = LifeRecords(connect(tracking_uri)).champion()
    if champion is None:
        raise RegistryError("the registry has no champion")
    return champion


def compare(tracking_uri: str, version: str, other: str, data: Path) -> VersionComparison:
    """Compare two versions on the houses of a CSV file.

    Raises:
        DataError: the data is invalid.
        RegistryError, ArtefactError: a version's files are unavailable or differ from the registered ones.
        MoveError: a version does not exist.
    """
    houses = read_houses(data)
    (first, mine), (second, theirs) = (one_version(tracking_uri, one) for one in (version, other))
    found = [_measure(tracking_uri, one.version, houses) for one in (first, second)]
    (own, measured, out_of_sample), (others, others_measured, others_out_of_sample) = found
    return VersionComparison(
        versions=(first.version, second.version),
        registered=(mine, theirs),
        measured=(measured, others_measured),
        is_out_of_sample=(out_of_sample, others_out_of_sample),
        houses=len(houses),
        differences=_differences(own, others),
    )


def _measure(tracking_uri: str, version: str, houses: Houses) -> tuple[Estimates, dict[str, float], bool]:
    with download_checked(connect(tracking_uri), f"models:/{NAME}/{version}") as (registered, folder):
        own = prices(DirectModel(load_model(folder, f"{registered.name} version {version}")), houses)
        held_out = held_out_of(registered, folder)
    estimates, _ = out_of_sample(houses, own, held_out)
    return own, metrics(houses.prices, estimates), held_out is not None


def _differences(mine: Estimates, theirs: Estimates) -> Differences:
    apart = np.abs(mine.price / theirs.price - 1)
    return Differences(
        float(np.median(apart)),
        float(np.quantile(apart, 0.95)),
        float(apart.max()),
        float(np.mean(apart > _FAR_APART)),
    )


def _registered(client: MlflowClient, life: Life) -> dict[str, float]:
    if life.run_id is None:
        return {}
    found: dict[str, Any] = client.get_run(life.run_id).data.metrics
    return {name: float(value) for name, value in found.items()}
