"""`housing-price jobs`: submits, lists, shows, follows and cancels jobs over the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.table import Table

from housing_price.remote.api import DEFAULT_URL, Api, Url, fail, job_progress
from housing_price.remote.outcomes import end_with_outcome, has_finding, outcome_of, short_outcome_of
from housing_price.remote.print_file import print_file
from housing_price.remote.training_file import training_order
from housing_price_platform.files import READABLE, write_atomically
from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.tables import print_table
from housing_price_platform.output.terminal import echo

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".txt": "text/csv",
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
        Path | None, typer.Argument(help="A .csv, .tsv, .ndjson or .parquet file to price. Without it, train a model.")
    ] = None,
    *,
    train: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Train on this .csv, .tsv, .ndjson or .parquet file, or send this .json training order.",
        ),
    ] = None,
    data_folder: Annotated[
        Path | None,
        typer.Option(
            help="With --train: data folder of the training worker, to copy the file to.",
            show_default="that of the stack on this machine",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Show the progress until the job has finished.")] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Makes a retry safe: the same key returns the same job.")
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a file to price, or start a training job. Prints the id of the job.

    With --watch, the exit status is 1 unless the job succeeds, and 3 if rows were refused or the gate failed.
    """
    if file is not None and train is not None:
        fail("give a file to price or a file to train on, not both.")
    api = Api(url)
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    if file is not None:
        job = _submit_scoring(api, file, headers)
    else:
        order = b"{}" if train is None else training_order(train, data_folder=data_folder, url=url)
        headers |= {"content-type": "application/json"}
        job = api.request("POST", "/jobs/training", content=order, headers=headers)
    echo(job["id"])
    if follow:
        end_with_outcome(api, api.follow(job["id"]))


def _submit_scoring(api: Api, file: Path, headers: dict[str, str]) -> Any:
    if file.suffix not in MEDIA_TYPES:
        fail(f"{file}: unsupported file type. Supported types: {', '.join(MEDIA_TYPES)}.")
    if not file.is_file():
        fail(f"{file}: file not found.")
    with Progress(console=CleanConsole(stderr=True), transient=True) as progress:
        headers |= {"content-type": MEDIA_TYPES[file.suffix]}
        return api.request("POST", "/jobs/scoring", content=_read_blocks(file, progress), headers=headers)


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs.")] = 20, url: Url = DEFAULT_URL
) -> None:
    """List your jobs, newest first."""
    api = Api(url)
    table = Table("Id", "Type", "State", "Progress", "Submitted", "Outcome")
    for job in api.request("GET", "/jobs", params={"limit": limit})["jobs"]:
        done, total, _ = job_progress(job)
        progress = f"{done}/{total}" if total else ""
        table.add_row(job["id"], job["type"], job["state"], progress, job["createdAt"], short_outcome_of(api, job))
    print_table(CleanConsole(), table)


@app.command()
def show(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Print a job as JSON; a training whose gate failed also prints the failed checks, on standard error."""
    api = Api(url)
    job = api.request("GET", f"/jobs/{job_id}")
    echo(json.dumps(job, indent=2))
    if job["type"] == "training" and job["state"] == "succeeded" and has_finding(api, job):
        for line in outcome_of(api, job):
            echo(line, err=True)


@app.command()
def watch(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Show the progress of a job until it has finished, and its outcome.

    The exit status is 1 unless the job succeeds, and 3 if rows were refused or the gate of a training failed.
    """
    api = Api(url)
    end_with_outcome(api, api.follow(job_id))


@app.command()
def result(
    job_id: JobId,
    *,
    refused: Annotated[bool, typer.Option("--refused", help="Download the refused rows, not the prices.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write.", show_default="standard output"),
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Download the prices of a scoring job, its refused rows, or the report of any other job."""
    with Api(url).download(f"/jobs/{job_id}/{'refused' if refused else 'result'}") as (media_type, blocks):
        if output is None:
            print_file(media_type, blocks)
            return
        try:
            write_atomically(output, lambda file: file.writelines(blocks), mode=READABLE)
        except OSError as error:
            fail(f"{output}: cannot be written ({error.strerror or error}).")
    echo(f"Saved as {output}.", err=True)


@app.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Cancel a job."""
    echo(Api(url).request("DELETE", f"/jobs/{job_id}")["state"])
