"""The steps from data to a candidate, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from housing_price_model.candidate.card import CARD
from housing_price_model.candidate.comparison import COMPARE, EVALUATE
from housing_price_model.candidate.extract import EXTRACT
from housing_price_model.candidate.gate import GATE_STEP
from housing_price_model.candidate.parameters import Parameters, Surroundings
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
    """What a run came to.

    Attributes:
        version: The challenger's version; None if the gate let nothing through.
        passed: Whether the gate did.
        gate: Each check; see `gate.Verdict`.
        metrics: Cross-validated; see `evaluate.metrics`.
        folder: Where everything is that led there.
    """

    version: str | None
    passed: bool
    gate: Sequence[dict[str, Any]]
    metrics: dict[str, float]
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Give the result of a job; see `docs/jobs.md`."""
        return {
            "version": self.version,
            "isChallenger": self.version is not None,
            "gate": [dict(one) for one in self.gate],
            "metrics": dict(self.metrics),
        }


def start(folder: Path, parameters: Parameters, surroundings: Surroundings) -> Run:
    """Fix the parameters of a run, or find those that it was started with."""

    def fixed() -> Parameters:
        champion = find_champion(connect(surroundings.tracking_uri))
        now = datetime.now(UTC).replace(tzinfo=None)
        return parameters.started(str(champion.version) if champion else None, now)

    return Run.start(folder, fixed)


def perform(
    run: Run, surroundings: Surroundings, progress: Progress, told: Callable[[Step, Result, bool], None]
) -> Candidate:
    """Do all steps that are not done yet.

    Raises:
        HousingPriceModelError: a step failed, and says why; the next attempt begins with it.
    """
    results: dict[str, Result] = {}
    for step in STEPS:
        results[step.name], was_done = run.perform(step, surroundings, progress)
        told(step, results[step.name], was_done)
    return candidate_of(run.folder, results)


def candidate_of(folder: Path, results: dict[str, Result]) -> Candidate:
    """Sum up what the steps found."""
    gate = results[GATE_STEP.name]
    version = results[REGISTER.name]["version"]
    return Candidate(version, gate["passed"], gate["checks"], results[TRAIN.name]["metrics"], folder)
