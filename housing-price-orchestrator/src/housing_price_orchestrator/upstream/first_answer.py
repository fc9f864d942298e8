"""Waits for the first answer of model servers that shall take over. Part of the composition root."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import IdentifiedAnswer, Model, ModelIdentity
from housing_price_orchestrator.shared.view.routes import UNKNOWN, Route

PROBE_PAUSE_SECONDS: Final = 0.25
"""Pause between probes of a new version that does not answer yet."""
START_SECONDS: Final = 60.0
"""Time in which a model server normally starts. A server that still does not answer then is a warning."""


async def wait_for_first_answer[Question, Answer: IdentifiedAnswer](
    probe: Model[Question, Answer], question: Question, route: Route, role: str, *, should_wait: Callable[[], bool]
) -> ModelIdentity | None:
    """Probe until the model of `route` answers, which also opens a connection; returns its identity.

    Returns None when `should_wait` ends the wait. `role` is named in the log.
    """
    loop, log = asyncio.get_running_loop(), structlog.get_logger()
    logged, warn_at = False, loop.time() + START_SECONDS
    while True:
        try:
            (answer,) = await probe.answer((question,))
        except HousingPriceError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if route.model_id in (UNKNOWN, answer.model.id):
                return answer.model
            reason = f"expected model {route.model_id}, got {answer.model.id}"
        is_late = loop.time() >= warn_at
        if is_late or not logged:
            write = log.warning if is_late else log.info
            write("waiting for a model server to answer", variant=role, version=route.version, error=reason)
            logged, warn_at = True, math.inf if is_late else warn_at
        if not should_wait():
            return None
        await asyncio.sleep(PROBE_PAUSE_SECONDS)
