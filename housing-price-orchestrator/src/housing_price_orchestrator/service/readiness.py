"""Readiness of the service, tested by asking each model a real question."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from housing_price_orchestrator.shared.ports import IdentifiedAnswer, Model, ModelIdentity, ModelKind


class ModelProbe[Question, Answer: IdentifiedAnswer]:
    """Asks a model one known question at a fixed interval, and keeps the latest result."""

    def __init__(
        self,
        kind: ModelKind,
        model: Model[Question, Answer],
        question: Question,
        *,
        interval_seconds: float,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `model` the `question` every `interval_seconds`; an answer counts for `max_age_seconds`."""
        self.kind = kind
        self._model = model
        self._question = question
        self._interval_seconds = interval_seconds
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._answered_at: float | None = None
        self._identity: ModelIdentity | None = None
        self._error: Exception | None = None

    @property
    def is_answering(self) -> bool:
        """Whether the latest probe got an answer, recently."""
        return (
            self._error is None
            and self._answered_at is not None
            and self._clock() - self._answered_at <= self._max_age_seconds
        )

    @property
    def identity(self) -> ModelIdentity | None:
        """Model that gave the latest answer; None before the first one."""
        return self._identity

    @property
    def error(self) -> Exception | None:
        """Error of the latest probe; None if it got an answer or none has finished."""
        return self._error

    def use_model(self, model: Model[Question, Answer], identity: ModelIdentity | None) -> None:
        """Probe `model` from now on; `identity`, if given, is the identity with which it has just answered."""
        self._model = model
        if identity is not None:
            self._record_answer(identity)

    async def probe(self) -> None:
        """Probe once. Keeps an error in `error` and raises nothing, so that probing continues."""
        model = self._model
        try:
            (answer,) = await model.answer((self._question,))
        except Exception as error:  # noqa: BLE001 - a bug must not end the probing
            # A result of a model that was replaced during the probe is ignored.
            if model is self._model:
                self._error = error
        else:
            if model is self._model:
                self._record_answer(answer.model)

    def _record_answer(self, identity: ModelIdentity) -> None:
        self._error = None
        self._answered_at = self._clock()
        self._identity = identity

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(self._interval_seconds)


type AnyProbe = ModelProbe[Any, Any]
"""A probe, whatever the questions and answers of its model."""


class Readiness:
    """Whether the service is ready: the required model answers. Optional models are reported and decide nothing."""

    def __init__(self, required: AnyProbe, optional: Sequence[AnyProbe] = ()) -> None:
        """Judge by these probes, which run elsewhere."""
        self.required = required
        self.optional = tuple(optional)
        self._is_stopping = False

    @property
    def is_ready(self) -> bool:
        """Whether the required model answers and the process is not stopping."""
        return not self._is_stopping and self.required.is_answering

    @property
    def probes(self) -> tuple[AnyProbe, ...]:
        """The probes of all models."""
        return (self.required, *self.optional)

    @property
    def is_stopping(self) -> bool:
        """Whether the process is stopping."""
        return self._is_stopping

    def stop(self) -> None:
        """Report not ready from now on, because the process is stopping."""
        self._is_stopping = True
