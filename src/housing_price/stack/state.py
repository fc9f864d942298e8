"""The one folder that holds everything the stack keeps between two starts."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from housing_price.errors import StackError
from housing_price_model.lifecycle.serving_folder import ServingFolder

REPOSITORY = Path(__file__).resolve().parents[3]
DEFAULT_STATE = REPOSITORY / ".housing-price"
EXAMPLE = REPOSITORY / "examples" / "request-1461.json"


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
        """Files of runs and models, written by the tracking server only."""
        return self.folder / "artifacts"

    @property
    def predictions(self) -> Path:
        """SQLite file of the prediction log, written by the orchestrator."""
        return self.folder / "predictions.db"

    @property
    def jobs(self) -> Path:
        """SQLite file of the jobs, for the orchestrator and all workers."""
        return self.folder / "jobs.db"

    @property
    def job_files(self) -> Path:
        """Files that came with jobs, and their results."""
        return self.folder / "jobs"

    @property
    def candidates(self) -> Path:
        """A folder for each training job."""
        return self.folder / "candidates"

    @property
    def data(self) -> Path:
        """The only folder from which training jobs may read data of their own."""
        return self.folder / "data"

    @property
    def serving(self) -> ServingFolder:
        """The exports that model servers serve without asking the registry, and what says which of them are served."""
        return ServingFolder(self.folder / "serving")

    def export_of(self, version: str) -> Path:
        """Where the export of a version is."""
        return self.serving.export_of(version)

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"

    @contextmanager
    def lock(self, holder: dict[str, Any]) -> Iterator[None]:
        """Keep the folder to ourselves. The system lets go of the lock when this process ends, however it ends.

        Args:
            holder: What others may know about us: the process id and the ports.

        Raises:
            StackError: The folder cannot be written, or another stack runs on it.
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
                    f"another `housing-price up` (process {pid}) runs on {self.folder}: "
                    "end it, or choose another folder with --state-dir"
                ) from error
            file.truncate(0)
            file.write(json.dumps(holder))
            file.flush()
            yield
            file.truncate(0)

    def read_holder(self) -> dict[str, Any] | None:
        """What the stack that runs on this folder told about itself; None when none runs."""
        try:
            with self._lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return dict(json.loads(file.read()))
        except (OSError, ValueError):
            pass
        return None
