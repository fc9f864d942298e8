"""`housing-price jobs`: submits, lists, shows, follows and cancels jobs over the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress
from rich.table import Table

from housing_price.remote.api import DEFAULT_URL, Api, Url, fail, job_progress
from housing_price_platform.console import CleanConsole
from housing_price_platform.terminal import echo

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}

app = typer.Typer(no_args_is_help=True, help="Price files and train models in the background, over the API.")

JobId = Annotated[str, typer.Argument(help="Id of the job.")]


def _read_blocks(path: Path, progress: Progress) -> Iterator[bytes]:
    task = progress.add_task("sending", total=path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            yield block
            progress.advance(task, len(block))


@app.command()
def submit(
    file: Annotated[
        Path | None, typer.Argument(help="A .csv, .ndjson or .parquet file to price. Without a file, train a model.")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--watch", help="Show the progress until the job has finished.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Makes a retry safe: the same key returns the same job.")
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a file to price, or start a training job. Prints the id of the job."""
    api = Api(url)
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    if file is None:
        job = api.request("POST", "/jobs/training", json={}, headers=headers)
    else:
        if file.suffix not in MEDIA_TYPES:
            fail(f"{file}: unsupported file type. Supported types: {', '.join(MEDIA_TYPES)}.")
        if not file.is_file():
            fail(f"{file}: file not found.")
        with Progress(console=CleanConsole(stderr=True), transient=True) as progress:
            headers |= {"content-type": MEDIA_TYPES[file.suffix]}
            job = api.request("POST", "/jobs/scoring", content=_read_blocks(file, progress), headers=headers)
    echo(job["id"])
    if follow:
        api.follow(job["id"])


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs.")] = 20, url: Url = DEFAULT_URL
) -> None:
    """List your jobs, newest first."""
    table = Table("Id", "Type", "State", "Progress", "Submitted")
    for job in Api(url).request("GET", "/jobs", params={"limit": limit})["jobs"]:
        done, total, _ = job_progress(job)
        table.add_row(job["id"], job["type"], job["state"], f"{done}/{total}" if total else "", job["createdAt"])
    CleanConsole().print(table)


@app.command()
def show(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Print a job as JSON."""
    typer.echo(json.dumps(Api(url).request("GET", f"/jobs/{job_id}"), indent=2))


@app.command()
def watch(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Show the progress of a job until it has finished. The exit status is 1 unless it succeeds."""
    Api(url).follow(job_id)


@app.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Cancel a job."""
    echo(Api(url).request("DELETE", f"/jobs/{job_id}")["state"])
