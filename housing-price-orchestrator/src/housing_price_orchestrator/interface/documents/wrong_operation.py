"""Recognises a house that was sent to the batch operation, and a batch that was sent to an operation for one house."""

from dataclasses import dataclass
from typing import Any, Final

from housing_price_orchestrator.interface.findings import Finding
from housing_price_orchestrator.shared.view.estimate import REQUIRED_FACTS
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES
from housing_price_orchestrator.shared.view.valuation import MAX_VALUED_HOUSES

REQUIRED_KEYS: Final = tuple(field.key for field in house_fields() if field.name in REQUIRED_FACTS)
"""The keys of the features without which there is no estimate."""


@dataclass(frozen=True, slots=True)
class OperationPair:
    """An operation for one house, and the one for a batch."""

    one: str
    """The path of the operation for one house."""
    batch: str
    """The path of the operation for a batch."""
    max_houses: int
    """Maximum number of houses in a batch."""

    @property
    def one_house_expected(self) -> Finding:
        """The finding for a batch that was sent to the operation for one house."""
        message = f"Send one house; for a list use POST {self.batch}"
        return {"type": "one_house_expected", "loc": ("body",), "msg": message}

    @property
    def batch_expected(self) -> Finding:
        """The finding for a house that was sent to the operation for a batch."""
        message = f'Send {{"data": [house, ...]}}; for one house use POST {self.one}'
        return {"type": "batch_expected", "loc": ("body",), "msg": message}


PRICES: Final = OperationPair("/api/v1/price/predict", "/api/v1/price/predict/batch", MAX_BATCH_HOUSES)
VALUATIONS: Final = OperationPair("/api/v1/valuation", "/api/v1/valuation/batch", MAX_VALUED_HOUSES)

FACTS_EXPECTED: Final[Finding] = {
    "type": "facts_expected",
    "loc": ("body",),
    "msg": (
        "Send one object with the known features of one house: "
        f"{{{', '.join(f'"{key}": ...' for key in REQUIRED_KEYS)}, ...}}; for several houses, send one request each"
    ),
}
"""The finding for a body of an estimate that is not the facts about one house."""

_MIN_KEYS: Final = 3
"""Number of a house's keys from which an object counts as a house."""
_KEYS: Final = frozenset(field.key for field in house_fields())


def is_list_of_houses(document: Any) -> bool:
    """Return whether a body that should be one house is a list or a batch."""
    return isinstance(document, list) or (isinstance(document, dict) and isinstance(document.get("data"), list))


def is_not_facts(document: Any) -> bool:
    """Return whether a body that should be the facts about a house is a list, a batch or no object at all."""
    if isinstance(document, dict):
        return "data" in document
    return document is not None


def is_one_house(document: Any) -> bool:
    """Return whether a body that should be a batch is a house, or a list without the object around it."""
    if isinstance(document, dict):
        return "data" not in document and len(document.keys() & _KEYS) >= _MIN_KEYS
    return isinstance(document, list)
