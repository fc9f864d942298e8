"""The state folder: everything that the stack keeps between two starts."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from housing_price.errors import StackError
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_platform.database.sqlite_file import REMEDY, find_damage

REPOSITORY: Final = Path(__file__).resolve().parents[3]
DEFAULT_STATE: Final = REPOSITORY / ".housing-price"
EXAMPLE: Final = REPOSITORY / "examples" / "request-1461.json"


@dataclass(frozen=True)
class State:
    """Paths inside the state folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """SQLite file of the tracking server."""
        return self.folder / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """Files of runs and models; only the tracking server writes here."""
        return self.folder / "artifacts"

    @property
    def predictions(self) -> Path:
        """SQLite file of the prediction log, written by the orchestrator."""
        return self.folder / "predictions.db"

    @property
    def jobs(self) -> Path:
        """SQLite file of the job queue, shared by the orchestrator and all workers."""
        return self.folder / "jobs.db"

    @property
    def job_files(self) -> Path:
        """Uploaded files of scoring jobs, and their results."""
        return self.folder / "jobs"

    @property
    def candidates(self) -> Path:
        """Working folders of training jobs, one per job."""
        return self.folder / "candidates"

    @property
    def data(self) -> Path:
        """The only folder from which training jobs may read custom data."""
        return self.folder / "data"

    @property
    def serving(self) -> ServingFolder:
        """The exported models, and the documents that state which of them are served."""
        return ServingFolder(self.folder / "serving")

    def export_of(self, version: str) -> Path:
        """Return the folder with the export of a version of the price model."""
        return self.serving.export_of(version)

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"

    @contextmanager
    def lock(self, holder: dict[str, Any]) -> Iterator[None]:
        """Lock the folder for this process. The system releases the lock when the process ends for any reason.

        Args:
            holder: Process id and ports, written to the lock file for other processes.

        Raises:
            StackError: The folder cannot be written, or another stack uses it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self._lock.open("a+")
        except OSError as error:
            raise StackError(f"cannot write to {self.folder} (--state-dir): {error.strerror or error}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                pid = (self.read_holder() or {}).get("pid", "?")
                raise StackError(
                    f"another `housing-price up` (process {pid}) uses {self.folder}: "
                    "stop it, or choose another folder with --state-dir"
                ) from error
            # Other commands run without this information, so a full disk must not end the stack.
            with contextlib.suppress(OSError):
                os.truncate(file.fileno(), 0)
                os.write(file.fileno(), json.dumps(holder).encode())
            yield
            with contextlib.suppress(OSError):
                os.truncate(file.fileno(), 0)

    def read_holder(self) -> dict[str, Any] | None:
        """Return the process id and ports of the stack that uses this folder; None if none is running."""
        try:
            with self._lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return dict(json.loads(file.read()))
        except (OSError, ValueError):
            pass
        return None


def describe_damage(state: State, registry_damage: str | None) -> Iterator[str]:
    """Describe each damaged database: what is wrong, what does not work, and what to do."""
    for file, damage, effect in (
        (state.database, registry_damage, "exported models are served without the registry"),
        (state.predictions, find_damage(state.predictions), "prices are answered but not logged"),
        (state.jobs, find_damage(state.jobs), "jobs are out of service"),
    ):
        if damage:
            yield f"{file} is damaged ({damage}): {effect}. Stop the stack, {REMEDY}, and start it again"
