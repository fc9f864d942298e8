"""The steps of the training pipeline, in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from housing_price_model.candidate.card import CARD
from housing_price_model.candidate.comparison import COMPARE, EVALUATE
from housing_price_model.candidate.extract import EXTRACT
from housing_price_model.candidate.gate import GATE_STEP
from housing_price_model.candidate.parameters import Connections, Parameters
from housing_price_model.candidate.registration import REGISTER
from housing_price_model.candidate.run import Result, Run, Step
from housing_price_model.candidate.search import SEARCH
from housing_price_model.candidate.training import SPLIT, TRAIN
from housing_price_model.candidate.validation import VALIDATE
from housing_price_model.fitting.evaluate import Progress
from housing_price_model.registry.versions import connect, find_champion

STEPS: Final[Sequence[Step]] = (
    EXTRACT,
    VALIDATE,
    SEARCH,
    SPLIT,
    TRAIN,
    EVALUATE,
    COMPARE,
    GATE_STEP,
    CARD,
    REGISTER,
)


@dataclass(frozen=True)
class Candidate:
    """The result of a run."""

    version: str | None
    """The challenger's version; None if the gate failed, or the model is not new."""
    passed: bool
    """Whether the gate passed."""
    gate: Sequence[dict[str, Any]]
    """The checks; see `gate.Verdict`."""
    metrics: dict[str, float]
    """Cross-validated metrics; see `evaluate.metrics`."""
    folder: Path
    """The run folder with all results."""
    same_as: str | None = None
    """The registered version that this very model already is; it was not registered then."""
    comparables: Mapping[str, Any] | None = None
    """The outcome for the comparables model: `version`, `is_challenger` and perhaps `same_as`. None if an earlier
    release trained the models."""

    def to_json(self) -> dict[str, Any]:
        """Return the result of a job; see `docs/jobs.md`."""
        comparables = {}
        if self.comparables is not None:
            comparables = {"comparables": _outcome(self.comparables["version"], self.comparables.get("same_as"))}
        return {
            **_outcome(self.version, self.same_as),
            **comparables,
            "gate": [dict(check) for check in self.gate],
            "metrics": dict(self.metrics),
        }


def _outcome(version: str | None, same_as: str | None) -> dict[str, Any]:
    unchanged = {} if same_as is None else {"sameAs": same_as}
    return unchanged | {"version": version, "isChallenger": version is not None}


def start(folder: Path, parameters: Parameters, connections: Connections) -> Run:
    """Start a new run, or open an earlier one with its stored parameters."""

    def start_parameters() -> Parameters:
        champion = find_champion(connect(connections.tracking_uri))
        now = datetime.now(UTC).replace(tzinfo=None)
        return parameters.with_start_values(str(champion.version) if champion else None, now)

    return Run.start(folder, start_parameters)


def perform(
    run: Run, connections: Connections, progress: Progress, on_step: Callable[[Step, Result, bool], None]
) -> Candidate:
    """Perform all incomplete steps. Calls `on_step` with each step, its result, and whether this call performed it.

    Raises:
        HousingPriceModelError: a step failed; the next attempt resumes there.
    """
    results: dict[str, Result] = {}
    for step in STEPS:
        results[step.name], was_performed = run.perform(step, connections, progress)
        on_step(step, results[step.name], was_performed)
    return candidate_of(run.folder, results)


def candidate_of(folder: Path, results: dict[str, Result]) -> Candidate:
    """Build the result of a run from the results of its steps."""
    gate = results[GATE_STEP.name]
    registered, metrics = results[REGISTER.name], results[TRAIN.name]["metrics"]
    same_as = registered.get("same_as")
    return Candidate(
        registered["version"],
        gate["passed"],
        gate["checks"],
        metrics,
        folder,
        same_as,
        registered.get("comparables"),
    )
