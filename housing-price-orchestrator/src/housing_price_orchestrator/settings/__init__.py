"""Every setting, its default and its meaning. Read from environment variables: `ORCHESTRATOR_<GROUP>__<NAME>`."""

from housing_price_orchestrator.settings.base import DELIMITER, PREFIX, InvalidSettings
from housing_price_orchestrator.settings.load import described, hand_to_workers, load_settings
from housing_price_orchestrator.settings.prediction_log import PredictionLogSettings
from housing_price_orchestrator.settings.tree import Settings

__all__ = [
    "DELIMITER",
    "PREFIX",
    "InvalidSettings",
    "PredictionLogSettings",
    "Settings",
    "described",
    "hand_to_workers",
    "load_settings",
]
