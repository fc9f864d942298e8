"""Recognises a house that was sent to the batch operation, and a batch that was sent to the operation for one house."""

from typing import Any, Final

from housing_price_orchestrator.interface.findings import Finding
from housing_price_orchestrator.shared.view.fields import house_fields

ONE_HOUSE_EXPECTED: Final[Finding] = {
    "type": "one_house_expected",
    "loc": ("body",),
    "msg": "Send one house; for a list use POST /api/v1/price/predict/batch",
}
BATCH_EXPECTED: Final[Finding] = {
    "type": "batch_expected",
    "loc": ("body",),
    "msg": 'Send {"data": [house, ...]}; for one house use POST /api/v1/price/predict',
}

_MIN_KEYS: Final = 3
"""Number of a house's keys from which an object counts as a house."""
_KEYS: Final = frozenset(field.key for field in house_fields())


def is_list_of_houses(document: Any) -> bool:
    """Return whether a body that should be one house is a list or a batch."""
    return isinstance(document, list) or (isinstance(document, dict) and isinstance(document.get("data"), list))


def is_one_house(document: Any) -> bool:
    """Return whether a body that should be a batch is a house, or a list without the object around it."""
    if isinstance(document, dict):
        return "data" not in document and len(document.keys() & _KEYS) >= _MIN_KEYS
    return isinstance(document, list)
