"""A label for people for each word of an answer, such as `high`: "High". Those of houses come from the survey."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from housing_price_orchestrator.shared.drift import DriftStatus, DriftVerdict
from housing_price_orchestrator.shared.jobs import JobKind, JobState
from housing_price_orchestrator.shared.ports import ModelKind
from housing_price_orchestrator.shared.view.fields import FieldKind, label_words
from housing_price_orchestrator.shared.view.job_report import VersionState
from housing_price_orchestrator.shared.view.logged import LoggedPart, LoggedVariant
from housing_price_orchestrator.shared.view.price import PriceSource
from housing_price_orchestrator.shared.view.valuation import Confidence, ValuationPart, ValueMethod
from housing_price_platform.orders.moves import ServedModel
from housing_price_platform.orders.training import TrainingSource
from housing_price_survey.columns import FeatureGroup, Unit
from housing_price_survey.titles import GROUP_TITLES

type WordLabels = Mapping[str, str]
"""A label for each word, in the order of the words."""

_PARTS: Final = {"comparables": "Comparable sales", "explanation": "Explanation of the differences"}
_MODELS: Final = {"price": "Price model", "comparables": "Comparables model"}

LABELS_OF_ANSWERS: Final[Mapping[Any, WordLabels]] = MappingProxyType(
    {
        Confidence: {"high": "High", "medium": "Medium", "low": "Low"},
        DriftStatus: {
            "off": "No drift check is configured",
            "unchecked": "The drift check has not run yet",
            "unreadable": "The result of the drift check cannot be read",
            "checked": "Checked",
        },
        DriftVerdict: {"alarm": "Alarm", "steady": "No drift", "too few rows": "Too few rows for a verdict"},
        FeatureGroup: GROUP_TITLES,
        FieldKind: {"integer": "Whole number", "number": "Number", "text": "Text"},
        JobKind: {
            "scoring": "Pricing of a file",
            "training": "Training of a model",
            "lifecycle": "Move of a model version",
        },
        JobState: {
            "queued": "Waiting for a worker",
            "running": "Running",
            "succeeded": "Finished",
            "failed": "Failed",
            "cancelled": "Cancelled",
        },
        LoggedPart: {"price": "Predicted price", **_PARTS},
        LoggedVariant: {"champion": "Champion", "canary": "Canary"},
        ModelKind: _MODELS,
        PriceSource: {
            "model": "Computed for the request",
            "cache": "Recent price",
            "last-known": "Last known price, while the model server was unavailable",
        },
        ServedModel: _MODELS,
        TrainingSource: {
            "bundled": "The bundled survey",
            "csv": "A CSV file",
            "prediction-log": "Priced houses that were sold since, from the prediction log",
        },
        Unit: {
            "square feet": "Square feet",
            "feet": "Feet",
            "USD": "US dollars",
            "1": "Count",
            "grade, 1 to 10": "Grade from 1 to 10",
            "year": "Year",
            "month of the year": "Month of the year",
        },
        ValuationPart: _PARTS,
        ValueMethod: {
            "priceAndComparables": "Predicted price and comparable sales",
            "price": "Predicted price alone",
        },
        VersionState: {
            "registered": "Registered",
            "challenger": "Challenger",
            "shadow": "Shadow",
            "canary": "Canary",
            "champion": "Champion",
            "archived": "Archived",
        },
    }
)
"""The labels of the words of each type, by the type. A test compares them with every list of words in the document."""


def label_answers(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Add the labels to the schemas of an API document, which are changed."""
    for kind, labels in LABELS_OF_ANSWERS.items():
        if schema := schemas.get(kind.__name__):
            label_words(schema, labels)


def words_schema(kind: Any, *words: str) -> dict[str, Any]:
    """Make the schema of some words of a type, with their labels."""
    schema: dict[str, Any] = {"type": "string", "enum": list(words)}
    label_words(schema, {word: LABELS_OF_ANSWERS[kind][word] for word in words})
    return schema
