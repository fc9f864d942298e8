"""`housing-price jobs`: submits, lists, shows, follows and cancels jobs over the API."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

KEY_VARIABLE = "HOUSING_PRICE_API_KEY"
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
POLL_SECONDS = 0.5
SECONDS = 60.0
FINISHED = {"succeeded", "failed", "cancelled"}

app = typer.Typer(no_args_is_help=True, help="Work on files and models that takes its time, over the API.")

Url = Annotated[str, typer.Option("--url", help="Where the API is.", envvar="HOUSING_PRICE_API_URL")]
JobId = Annotated[str, typer.Argument(help="The job's id.")]
DEFAULT_URL = "http://127.0.0.1:8000"


class _Api:
    """The API's operations on jobs; what goes wrong is told to the person at the terminal."""

    def __init__(self, url: str) -> None:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/jobs", headers=headers, timeout=SECONDS)

    # One way in for all of them, so that each failure is told in the same words.
    def ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            _fail(f"the API at {self._client.base_url} did not answer: {error!r}")
        if not answer.is_success:
            _fail(f"{answer.status_code}: {_reason(answer)}")
        return answer.json()


def _reason(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return answer.reason_phrase
    if isinstance(document.get("detail"), list):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in document["detail"])
    return f"{document.get('title')}. {document.get('detail')}"


def _fail(message: str) -> NoReturn:
    typer.echo(f"housing-price: {message}", err=True)
    raise typer.Exit(1)


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
    api = _Api(url)
    headers = {"idempotency-key": idempotency_key} if idempotency_key else {}
    if file is None:
        job = api.ask("POST", "/training", json={}, headers=headers)
    else:
        if file.suffix not in MEDIA_TYPES or not file.is_file():
            _fail(f"{file} is no file that ends with {', '.join(MEDIA_TYPES)}")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            headers |= {"content-type": MEDIA_TYPES[file.suffix]}
            job = api.ask("POST", "/scoring", content=_blocks(file, progress), headers=headers)
    typer.echo(job["id"])
    if watch_it:
        _follow(api, job["id"])


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at the most.")] = 20, url: Url = DEFAULT_URL
) -> None:
    """List your jobs, the latest first."""
    table = Table("Id", "Type", "State", "Progress", "Submitted")
    for job in _Api(url).ask("GET", "", params={"limit": limit})["jobs"]:
        done, total, _ = _how_far(job)
        table.add_row(job["id"], job["type"], job["state"], f"{done}/{total}" if total else "", job["createdAt"])
    Console().print(table)


@app.command()
def show(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Print all that is known about a job, as JSON."""
    typer.echo(json.dumps(_Api(url).ask("GET", f"/{job_id}"), indent=2))


@app.command()
def watch(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """Follow a job to its end with a progress bar; ends with 1 unless it succeeds."""
    _follow(_Api(url), job_id)


@app.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL) -> None:
    """End a job."""
    typer.echo(_Api(url).ask("DELETE", f"/{job_id}")["state"])


def _how_far(job: dict[str, Any]) -> tuple[int, int, str]:
    progress = job["progress"] or {}
    done = progress.get("rowsDone", progress.get("stepsDone", 0))
    return done, progress.get("rowsTotal", progress.get("stepsTotal", 0)), progress.get("step", "")


def _follow(api: _Api, job_id: str) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("queued", total=None)
        while True:
            job = api.ask("GET", f"/{job_id}")
            done, total, step = _how_far(job)
            progress.update(
                bar, description=" ".join((job["state"], step)).strip(), completed=done, total=total or None
            )
            if job["state"] in FINISHED:
                break
            time.sleep(POLL_SECONDS)
    typer.echo(job["state"])
    if job["state"] != "succeeded":
        error = job["error"] or {}
        _fail(f"the job has {job['state']} {error.get('code', '')} {error.get('detail', '')}".strip())
