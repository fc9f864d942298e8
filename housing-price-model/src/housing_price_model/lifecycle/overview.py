"""Looks at versions: all of them, one with its moves, and two side by side. Nothing is changed here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mlflow
import numpy as np
from mlflow.tracking import MlflowClient

from housing_price_model.candidate.comparison import held_out_of, prices, unseen
from housing_price_model.errors import RegistryError
from housing_price_model.fitting.evaluate import Estimates, metrics
from housing_price_model.registry.life_records import Life, Lives
from housing_price_model.registry.names import NAME
from housing_price_model.registry.versions import checked, connect, translated
from housing_price_model.serving.fast_scoring import DirectModel
from housing_price_model.survey.data import Houses, read_houses

_FAR_APART: Final = 0.05


@dataclass(frozen=True)
class Differences:
    """How far the prices of two models are apart, as shares of the second one's price."""

    median: float
    p95: float
    largest: float
    far_apart: float
    """The share of the houses whose prices are more than 5 % apart."""


@dataclass(frozen=True)
class Compared:
    """Two versions side by side.

    Attributes:
        versions: The two.
        registered: The metrics of each one's own training, by name.
        measured: The metrics of each on the same houses; for houses that it was trained on, by what its
            cross-validation said where that was kept.
        is_fair: For each, whether that was kept; without, it looks better than it is.
        houses: How many.
        differences: Between the answers that the two give now.
    """

    versions: tuple[str, str]
    registered: tuple[dict[str, float], dict[str, float]]
    measured: tuple[dict[str, float], dict[str, float]]
    is_fair: tuple[bool, bool]
    houses: int
    differences: Differences


def all_versions(tracking_uri: str) -> list[Life]:
    """Give every version with its state and its moves, the first one first.

    Raises:
        RegistryError: the registry does not answer.
    """
    with translated("the registry cannot be read"):
        return Lives(connect(tracking_uri)).all()


def one_version(tracking_uri: str, version: str) -> tuple[Life, dict[str, float]]:
    """Give a version, and the metrics of its training.

    Raises:
        RegistryError: the registry does not answer.
        MoveError: there is no such version.
    """
    client = connect(tracking_uri)
    with translated("the registry cannot be read"):
        life = Lives(client).find(version)
        return life, _registered(client, life)


def champion_of(tracking_uri: str) -> str:
    """Give the version that is champion.

    Raises:
        RegistryError: there is none, or the registry does not answer.
    """
    with translated("the registry cannot be read"):
        champion = Lives(connect(tracking_uri)).champion()
    if champion is None:
        raise RegistryError("the registry has no champion")
    return champion


def compare(tracking_uri: str, version: str, other: str, data: Path) -> Compared:
    """Put two versions side by side, on the houses of a CSV.

    Raises:
        DataError: the data is wrong.
        RegistryError, ArtefactError: a version cannot be had as it was registered.
        MoveError: there is no such version.
    """
    houses = read_houses(data)
    (first, mine), (second, theirs) = (one_version(tracking_uri, one) for one in (version, other))
    found = [_measure(tracking_uri, one.version, houses) for one in (first, second)]
    (own, measured, fair), (others, others_measured, others_fair) = found
    return Compared(
        versions=(first.version, second.version),
        registered=(mine, theirs),
        measured=(measured, others_measured),
        is_fair=(fair, others_fair),
        houses=len(houses),
        differences=_differences(own, others),
    )


def _measure(tracking_uri: str, version: str, houses: Houses) -> tuple[Estimates, dict[str, float], bool]:
    with checked(connect(tracking_uri), f"models:/{NAME}/{version}") as (registered, folder):
        own = prices(DirectModel(mlflow.pyfunc.load_model(str(folder))), houses)
        held_out = held_out_of(registered, folder)
    estimates, _ = unseen(houses, own, held_out)
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
