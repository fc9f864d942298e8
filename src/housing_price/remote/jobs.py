"""`housing-price jobs`: submits, lists, shows, follows and cancels jobs over the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from housing_price.remote.api import DEFAULT_URL, Api, Url, fail, how_far

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}

app = typer.Typer(no_args_is_help=True, help="Work on files and models that takes its time, over the API.")

JobId = Annotated[str, typer.Argument(help="The job's id.")]


def _blocks(path: Path, progress: Progress) -> Iterator[bytes]:
    task = progress.add_task("sending", total=path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            yield block
            progress.advance(task, len(block))


@app.command()
def submit(
    file: Annotated[
        Path | None, typer.Argument(help="A .csv, .ndjson or .parquet file to price; none: train a model.")
    ] = None,
    *,
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key is the same job.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a file to price, or a training; prints the id of the job."""
    api = Api(url)
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    if file is None:
        job = api.ask("POST", "/jobs/training", json={}, headers=headers)
    else:
        if file.suffix not in MEDIA_TYPES or not file.is_file():
            fail(f"{file} is no file that ends with {', '.join(MEDIA_TYPES)}")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            headers |= {"content-type": MEDIA_TYPES[file.suffix]}
            job = api.ask("POST", "/jobs/scoring", content=_blocks(file, progress), headers=headers)
    typer.echo(job["id"])
    if watch_it:
        api.follow(job["id"])


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at the most.")] = 20, url: Url = DEFAULT_URL
) -> None:
    """List your jobs, the latest first."""
    table = Table("Id", "Type", "State", "Progress", "Submitted")
    for job in Api(url).ask("GET", "/jobs", params={"limit": limit})["jobs"]:
        done, total, _ = how_far(job)
        table.add_row(job["id"], job["type"], job["state"], f"{done}/{total}" if total else "", job["createdAt"])
    Console().print(table)


@app.command()
def show(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Print all that is known about a job, as JSON."""
    typer.echo(json.dumps(Api(url).ask("GET", f"/jobs/{job_id}"), indent=2))


@app.command()
def watch(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Follow a job to its end with a progress bar; ends with 1 unless it succeeds."""
    Api(url).follow(job_id)


@app.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """End a job."""
    typer.echo(Api(url).ask("DELETE", f"/jobs/{job_id}")["state"])
