"""Jobs: their database, their files and the worker that runs them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Bytes, Group, Seconds, split_list
from housing_price_orchestrator.settings.database_url import DatabaseUrl
from housing_price_orchestrator.shared.locations import checked_prefix

type StoreUri = Annotated[str, AfterValidator(checked_prefix)]


class JobsSettings(Group):
    """Long work: files to price, models to train (docs/jobs.md). Off unless there is a database."""

    database_url: DatabaseUrl | None = None
    """The database of the jobs, for the API and all workers: `sqlite:///FILE`, or `postgresql://...` (`postgres`)."""
    folder: Path = Path("housing-price-jobs")
    """Where files that came with jobs, and their results, are kept: a folder that the API and the workers share."""
    stores: Annotated[tuple[StoreUri, ...], NoDecode, BeforeValidator(split_list)] = ()
    """URIs, separated by commas, below which jobs read and write: `file:///FOLDER`, `s3://BUCKET` (docs/jobs.md)."""
    max_file_bytes: Bytes = 2**32
    """The largest file that is taken; a house takes about 1.7 kB as JSON and 0.4 kB as CSV."""
    file_idle_seconds: Seconds = 30.0
    """How long nothing may come of such a file."""
    max_file_seconds: Seconds = 3600.0
    """How long sending all of it may take."""
    wait_seconds: Seconds = 5.0
    """How long the database may keep a request waiting."""
    rows_per_step: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """How many rows the worker prices between two checkpoints; after a crash so many are priced again at the most."""
    max_jobs: Annotated[int, Field(ge=1, le=64)] = 1
    """How many files one worker prices at a time."""
    patience_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] = 3600.0
    """How long a job waits for a model server that is away before it fails."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """The worker deletes jobs that ended longer ago, and their files, a few at a time; without it all are kept."""
