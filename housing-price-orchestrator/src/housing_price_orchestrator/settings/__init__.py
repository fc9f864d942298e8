"""Every setting with its default and its description, read from the environment as `ORCHESTRATOR_<GROUP>__<NAME>`."""

from housing_price_orchestrator.settings.base import DELIMITER, PREFIX, InvalidSettings
from housing_price_orchestrator.settings.load import check_names, list_settings, load_settings, pass_to_workers
from housing_price_orchestrator.settings.prediction_log import PredictionLogSettings
from housing_price_orchestrator.settings.tree import Settings

__all__ = [
    "DELIMITER",
    "PREFIX",
    "InvalidSettings",
    "PredictionLogSettings",
    "Settings",
    "check_names",
    "list_settings",
    "load_settings",
    "pass_to_workers",
]
