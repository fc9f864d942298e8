"""Values logged houses again, with the same or other models, and measures the differences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from housing_price_model.artefact.kinds import require_comparables_model, require_price_model
from housing_price_model.comparables.blend import Blend, Evidence, adjusted, values_of
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.replay import Differences
from housing_price_model.prediction_log.rows import LoggedValue, Window
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.find_model import open_model
from housing_price_survey.columns import COLUMNS

_BLEND: Final = ("weight", "distance_offset", "interval_scale", "interval_spread")
_CENT: Final = 0.01
_ROUNDING: Final = 1e-6


@dataclass
class ReplayedValues:
    """The result of valuing logged houses again."""

    price_model_id: str
    """The price model that was used; `comparables_id` is the comparables model."""
    comparables_id: str
    total: Differences = field(default_factory=Differences)
    """Differences over all values."""
    own: Differences = field(default_factory=Differences)
    """Differences over the values that the same two models had made."""
    other_sales: int = 0
    """Number of those values with other comparable sales than logged."""
    unlike: int = 0
    """Number of those values that differ by more than a cent."""

    @property
    def is_reproduced(self) -> bool:
        """Whether the models reproduce all of their own logged values, to the cent and with the same sales."""
        return not self.unlike and not self.other_sales

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "models": {"price": self.price_model_id, "comparables": self.comparables_id},
            "is_reproduced": self.is_reproduced,
            "other_sales": self.other_sales,
            "total": self.total.summary(),
            "own": self.own.summary(),
        }


def replay_values(
    log: PredictionLog, window: Window, price: str, comparables: str, tracking_uri: str
) -> ReplayedValues:
    """Value the houses of a window again; values without comparable sales are those of `replay`.

    Args:
        log: The prediction log.
        window: The part of the log to replay.
        price: The price model: an exported folder or a `models:/...` URI.
        comparables: The comparables model, likewise.
        tracking_uri: The tracking server for `models:/...`.

    Raises:
        LogError: the log cannot be read, or a model rejects a row.
        ArtefactError: a model is one of the other kind; see also `open_model`.
        RegistryError: see `open_model`.
    """
    with open_model(price, tracking_uri) as price_model, open_model(comparables, tracking_uri) as comparables_model:
        require_price_model(price_model.name, price)
        require_comparables_model(comparables_model.name, comparables)
        models = price_model.load(), comparables_model.load()
        done = ReplayedValues(price_model.model_id, comparables_model.model_id)
        for logged in log.values(window):
            _add(done, logged, *_value(models, logged))
    return done


def _add(done: ReplayedValues, logged: LoggedValue, value: tuple[float, float, float], sales: Sequence[int]) -> None:
    done.total.add(logged.transaction, logged.estimate, value)
    if (logged.price_model_id, logged.comparables_id) != (done.price_model_id, done.comparables_id):
        return
    done.own.add(logged.transaction, logged.estimate, value)
    done.other_sales += list(sales) != list(logged.sales)
    differences = (abs(one - other) for one, other in zip(value, logged.estimate, strict=True))
    done.unlike += max(differences) > _CENT + _ROUNDING


def _value(
    models: tuple[DirectModel, DirectModel], logged: LoggedValue
) -> tuple[tuple[float, float, float], Sequence[int]]:
    """Return value, low and high of one house in US dollars, and the ids of its comparable sales."""
    price_model, comparables_model = models
    house = Rows(logged.columns, [list(logged.values)])
    try:
        found: pd.DataFrame = comparables_model.predict(house)
        sales: list[dict[str, Any]] = found["sales"].iloc[0]
        own = price_model.predict(house)
        sold = price_model.predict(Rows(COLUMNS, [list(sale["features"]) for sale in sales]))
    except ValueError as error:
        raise LogError(f"{logged.transaction}: {error}") from error
    price, low, high = (float(own[name].iloc[0]) for name in ("price", "low", "high"))
    mean, deviation = adjusted(
        np.log([[sale["price"] for sale in sales]]),
        np.log(price / sold["price"].to_numpy(dtype=np.float64))[np.newaxis],
        np.arange(len(sales))[np.newaxis],
        np.array([[sale["distance"] for sale in sales]]),
    )
    evidence = Evidence(np.log([price]), np.log([price / low]), np.log([high / price]), mean, deviation)
    learned = found["blend"].iloc[0]
    blend = Blend(**{name: learned[name] for name in _BLEND})
    values = values_of(evidence, blend)
    amount, lowest, highest = (round(float(part[0]), 2) for part in (values.price, values.low, values.high))
    return (amount, lowest, highest), [sale["id"] for sale in sales]
