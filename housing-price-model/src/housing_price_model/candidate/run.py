"""A run's folder: the parameters, and for each step what it read, what it stored and what it found.

A step whose inputs and outputs are still those that were recorded is not done again. So a run that was interrupted, at
whatever point, goes on with the step that it was in; and who looks into the folder sees how the outcome came about.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from housing_price_model.artefact.export import digest_of
from housing_price_model.atomic_write import write_atomically
from housing_price_model.candidate.parameters import Parameters, Surroundings
from housing_price_model.errors import ArtefactError, CandidateError
from housing_price_model.fitting.evaluate import Progress

PARAMETERS: Final = "parameters.json"

type Result = dict[str, Any]
"""What a step found, in a few JSON values; what is large lies in its folder."""


@dataclass(frozen=True)
class Task:
    """What a step gets.

    Attributes:
        parameters: What the run was asked for.
        surroundings: Where things are.
        run_id: The identity of the run.
        out: The empty folder for what the step stores.
        inputs: The folders of the steps that it needs, by their names; not to be written to.
        results: What those steps found.
        progress: Is told how far it is.
    """

    parameters: Parameters
    surroundings: Surroundings
    run_id: str
    out: Path
    inputs: Mapping[str, Path]
    results: Mapping[str, Result]
    progress: Progress


@dataclass(frozen=True)
class Step:
    """One step: it reads its parameters and inputs, and writes into its own folder and nowhere else.

    Attributes:
        name: Also of its folder.
        needs: The steps whose folders it reads.
        do: What it does.
    """

    name: str
    needs: tuple[str, ...]
    do: Callable[[Task], Result]


@dataclass(frozen=True)
class _Record:
    inputs: Mapping[str, str]
    digest: str
    result: Result


class Run:
    """The folder of one run."""

    def __init__(self, folder: Path, run_id: str, parameters: Parameters) -> None:
        """Use `start`."""
        self.folder = folder
        self.run_id = run_id
        self.parameters = parameters

    @classmethod
    def start(cls, folder: Path, parameters: Callable[[], Parameters]) -> "Run":
        """Open the folder of a run; a new one gets its parameters now, an earlier one keeps those that it has.

        Raises:
            CandidateError: the folder cannot be used.
        """
        stored = folder / PARAMETERS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not stored.exists():
                # Folders may have the same name; what is registered is found again by this.
                fixed = {"run_id": uuid4().hex} | parameters().to_json()
                content = orjson.dumps(fixed, option=orjson.OPT_INDENT_2)
                write_atomically(stored, content.decode() + "\n")
            found = dict(orjson.loads(stored.read_bytes()))
            return cls(folder, str(found.pop("run_id")), Parameters.from_json(found))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise CandidateError(f"{folder}: cannot be used as the folder of a run ({exc})") from exc

    def perform(self, step: Step, surroundings: Surroundings, progress: Progress) -> tuple[Result, bool]:
        """Do a step, unless it is done already.

        Returns:
            What it found, and whether it was done now.

        Raises:
            HousingPriceModelError: the step failed and says why; it stored nothing.
        """
        records = {name: self._record(name) for name in step.needs}
        if missing := [name for name, record in records.items() if record is None]:
            raise CandidateError(f"{self.folder}: {step.name} needs {', '.join(missing)}, which is not there")
        found = {name: record for name, record in records.items() if record is not None}
        asked = hashlib.sha256((self.folder / PARAMETERS).read_bytes()).hexdigest()
        inputs = {PARAMETERS: asked} | {name: record.digest for name, record in found.items()}
        done = self._record(step.name)
        if done is not None and done.inputs == inputs:
            return done.result, False
        work = self.folder / f".{step.name}"
        target = self.folder / step.name
        for old in (work, target):
            shutil.rmtree(old, ignore_errors=True)
        work.mkdir()
        result = step.do(
            Task(
                parameters=self.parameters,
                surroundings=surroundings,
                run_id=self.run_id,
                out=work,
                inputs={name: self.folder / name for name in step.needs},
                results={name: record.result for name, record in found.items()},
                progress=progress,
            )
        )
        work.rename(target)
        record = orjson.dumps(asdict(_Record(inputs, digest_of(target), result)), option=orjson.OPT_INDENT_2)
        write_atomically(self.folder / f"{step.name}.json", record.decode() + "\n")
        return result, True

    def _record(self, name: str) -> _Record | None:
        """Read the record of a step; None if it was not done, or what it stored is not what it was."""
        try:
            record = _Record(**orjson.loads((self.folder / f"{name}.json").read_bytes()))
            return record if digest_of(self.folder / name) == record.digest else None
        except (OSError, ValueError, TypeError, ArtefactError):
            return None
