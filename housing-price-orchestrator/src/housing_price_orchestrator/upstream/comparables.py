"""Opens the comparables model: an optional second served model. Part of the composition root (`app.py`)."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MLflowComparablesModel, params_of
from housing_price_orchestrator.service.readiness import ModelProbe
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import Comparables, ComparablesModel, ComparablesQuestion
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.upstream.served_model import ModelDefinition, ServedModel, open_served_model
from housing_price_orchestrator.upstream.served_models import ServedModels

MODEL_NAME: Final = "housing-comparables"
"""Model name in responses if the comparables server does not report one."""


@dataclass(frozen=True, slots=True)
class ServedComparables:
    """The comparables model in service."""

    model: ComparablesModel
    """For requests: refuses what would miss its deadline."""
    served: ServedModel[ComparablesQuestion, Comparables]
    """The model servers behind their wrappers."""
    probe: ModelProbe[ComparablesQuestion, Comparables]
    """Asks for the sales nearest to the example house; runs in the background."""


async def open_comparables(
    settings: Settings, stack: AsyncExitStack, telemetry: ComposedTelemetry, served_models: ServedModels
) -> ServedComparables | None:
    """Open the comparables model and start its probe; `stack` stops the probe. None if no address is configured.

    Args:
        settings: addresses, limits and timeouts.
        stack: stops the probe when it exits.
        telemetry: observes calls.
        served_models: counts its calls, and closes it.
    """
    group = settings.comparables
    if not group.base_url:
        return None
    question = ComparablesQuestion(EXAMPLE_HOUSE)
    definition = ModelDefinition(
        kind="comparables",
        adapter=MLflowComparablesModel,
        model_name=MODEL_NAME,
        probe_question=question,
        deadline_seconds=min(group.deadline_seconds, settings.requests.deadline_seconds),
        max_calls=group.max_calls,
        max_rows_per_call=group.max_rows_per_call,
        group_of=params_of,
    )
    served = await open_served_model(settings, telemetry, definition, list(map(str, group.base_url)))
    served_models.open.append(served)
    probe = ModelProbe("comparables", served.probe, question, **settings.readiness.probe_limits)
    run_until_closed(probe.run(), stack)
    return ServedComparables(DeadlineModel(served.admitted, seconds=definition.deadline_seconds), served, probe)
