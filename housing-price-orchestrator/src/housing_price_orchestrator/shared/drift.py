"""The latest drift check."""

from datetime import datetime
from typing import Literal

from housing_price_orchestrator.shared.view.base import View

type DriftVerdict = Literal["alarm", "steady", "too few rows"]
type DriftStatus = Literal["off", "unchecked", "unreadable", "checked"]


class DriftAlarm(View):
    """A difference that raises the alarm."""

    family: str
    """The family of tests, such as `inputs` or `neighbourhoods`."""
    subject: str
    """The column, neighbourhood or quantity that differs."""
    says: str
    """The difference in words."""


class ModelDrift(View):
    """The drift of the houses that one model priced."""

    name: str
    """The name of the model."""
    version: str
    """The version of the model."""
    model_id: str
    """The id of the model."""
    verdict: DriftVerdict
    """`alarm`, `steady`, or `too few rows` for a verdict."""
    rows: int
    """The number of compared rows of the prediction log."""
    alarms: list[DriftAlarm]
    """The differences that raise the alarm; empty unless the verdict is `alarm`."""


class UncheckedModel(View):
    """A model whose rows could not be compared with its training data."""

    model_id: str
    """The id of the model."""
    rows: int
    """The number of its rows."""
    reason: str
    """Why they could not be compared."""


class DriftCheck(View):
    """The result of the latest drift check."""

    checked_at: datetime
    """When the check ran."""
    since: datetime | None
    """The start of the checked part of the prediction log; null for its beginning."""
    until: datetime | None
    """The end of the checked part; null for its end."""
    is_alarm: bool
    """Whether any model has the verdict `alarm`."""
    models: list[ModelDrift]
    """The checked models."""
    unchecked: list[UncheckedModel]
    """The models that could not be checked."""


class DriftState(View):
    """Whether the houses that callers send still resemble the training data, by the latest scheduled check."""

    state: DriftStatus
    """`off`: no check is configured; `unchecked`: none has run yet; `unreadable`: its result cannot be read."""
    check: DriftCheck | None
    """The latest check; null unless the state is `checked`."""
