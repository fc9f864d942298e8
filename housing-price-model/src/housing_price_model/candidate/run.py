"""The folder of a run: its parameters and, for each step, the inputs, the stored files and the result.

A step whose inputs and outputs match its record is skipped. An interrupted run therefore resumes at the interrupted
step, and the folder documents how the result was reached.
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
from housing_price_model.candidate.parameters import Connections, Parameters
from housing_price_model.errors import ArtefactError, CandidateError
from housing_price_model.fitting.evaluate import Progress
from housing_price_platform.files import DamagedFile, read_document

PARAMETERS: Final = "parameters.json"

_REMEDY: Final = "delete the folder to begin the run anew"

type Result = dict[str, Any]
"""The result of a step as a small JSON object; large results are files in the step's folder."""


@dataclass(frozen=True)
class Task:
    """The input of a step."""

    parameters: Parameters
    """Parameters of the run."""
    connections: Connections
    """Addresses of other services."""
    run_id: str
    """Identity of the run."""
    out: Path
    """An empty folder for the files of the step."""
    inputs: Mapping[str, Path]
    """Folders of the required steps, by name; read-only."""
    results: Mapping[str, Result]
    """Results of the required steps, by name."""
    progress: Progress
    """Callback that receives the progress."""


@dataclass(frozen=True)
class Step:
    """A step: it reads the parameters and its inputs, and writes only into its own folder."""

    name: str
    """Name of the step and of its folder."""
    needs: tuple[str, ...]
    """Names of the steps whose folders it reads."""
    do: Callable[[Task], Result]
    """The function that performs it."""


@dataclass(frozen=True)
class _Record:
    inputs: Mapping[str, str]
    digest: str
    result: Result


class Run:
    """The folder of one run."""

    def __init__(self, folder: Path, run_id: str, parameters: Parameters) -> None:
        """Use `Run.start` instead."""
        self.folder = folder
        self.run_id = run_id
        self.parameters = parameters

    @classmethod
    def start(cls, folder: Path, parameters: Callable[[], Parameters]) -> "Run":
        """Open the folder of a run; a new run stores the given parameters, an earlier one keeps its own.

        Raises:
            CandidateError: the folder cannot be used.
        """
        stored = folder / PARAMETERS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not stored.exists():
                # Folder names are not unique; registered models are found by this id.
                fixed = {"run_id": uuid4().hex} | parameters().to_json()
                content = orjson.dumps(fixed, option=orjson.OPT_INDENT_2)
                write_atomically(stored, content.decode() + "\n")
            found = read_document(stored, lambda content: dict(orjson.loads(content)), remedy=_REMEDY) or {}
            return cls(folder, str(found.pop("run_id")), Parameters.from_json(found))
        except DamagedFile as error:
            raise CandidateError(str(error)) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CandidateError(f"{folder}: cannot be used as a run folder ({error}): {_REMEDY}") from error

    def perform(self, step: Step, connections: Connections, progress: Progress) -> tuple[Result, bool]:
        """Perform a step unless it is already complete.

        Returns:
            The result, and whether the step was performed now.

        Raises:
            HousingPriceModelError: the step failed and stored nothing.
        """
        records = {name: self._record(name) for name in step.needs}
        if missing := [name for name, record in records.items() if record is None]:
            raise CandidateError(f"{self.folder}: step {step.name} needs the missing step(s) {', '.join(missing)}")
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
        task = Task(
            parameters=self.parameters,
            connections=connections,
            run_id=self.run_id,
            out=work,
            inputs={name: self.folder / name for name in step.needs},
            results={name: record.result for name, record in found.items()},
            progress=progress,
        )
        try:
            work.mkdir()
            result = step.do(task)
            work.rename(target)
        except OSError as error:
            # On a full disk its files would be in the way of the next attempt.
            shutil.rmtree(work, ignore_errors=True)
            reason = error.strerror or error
            raise CandidateError(f"{self.folder}: step {step.name} cannot read or write a file ({reason})") from error
        record = orjson.dumps(asdict(_Record(inputs, digest_of(target), result)), option=orjson.OPT_INDENT_2)
        write_atomically(self.folder / f"{step.name}.json", record.decode() + "\n")
        return result, True

    def _record(self, name: str) -> _Record | None:
        """Read the record of a step; None if the step is incomplete or its files have changed."""
        try:
            record = _Record(**orjson.loads((self.folder / f"{name}.json").read_bytes()))
            return record if digest_of(self.folder / name) == record.digest else None
        except (OSError, ValueError, TypeError, ArtefactError):
            return None
