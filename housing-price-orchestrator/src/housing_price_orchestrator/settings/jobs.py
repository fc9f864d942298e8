"""Jobs: their database, their files and the workers that run them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from housing_price_orchestrator.settings.base import Bytes, Group, Seconds, split_list
from housing_price_orchestrator.settings.database_url import DatabaseUrl
from housing_price_orchestrator.shared.locations import check_prefix

type StoreUri = Annotated[str, AfterValidator(check_prefix)]


class JobsSettings(Group):
    """Asynchronous jobs, such as pricing a file or training a model (docs/jobs.md). Off without a database."""

    database_url: DatabaseUrl | None = None
    """Database shared by the API and all workers: `sqlite:///FILE`, or `postgresql://...` (extra `postgres`)."""
    folder: Path = Path("housing-price-jobs")
    """Folder for uploaded files and results, shared by the API and the workers."""
    stores: Annotated[tuple[StoreUri, ...], NoDecode, BeforeValidator(split_list)] = ()
    """Comma-separated URIs under which jobs may read and write: `file:///FOLDER`, `s3://BUCKET` (docs/jobs.md)."""
    max_file_bytes: Bytes = 2**32
    """Maximum size of an uploaded file; a house takes about 1.7 kB as JSON and 0.4 kB as CSV."""
    file_idle_seconds: Seconds = 30.0
    """Timeout for an upload that makes no progress."""
    max_file_seconds: Seconds = 3600.0
    """Timeout of a whole upload."""
    wait_seconds: Seconds = 5.0
    """Timeout of a query to the job database."""
    rows_per_step: Annotated[int, Field(ge=1, le=100_000)] = 100_000
    """Maximum rows between checkpoints, which the worker sets about every 2 s; a crash repeats at most these rows."""
    max_jobs: Annotated[int, Field(ge=1, le=64)] = 1
    """Maximum number of files that one worker prices at the same time."""
    patience_seconds: Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)] = 3600.0
    """Time that a job retries while the model server answers with errors; while it is away, the job waits."""
    retention_days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = None
    """Age at which the worker deletes finished jobs and their files; empty keeps them forever."""
