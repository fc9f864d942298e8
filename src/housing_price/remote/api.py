"""The API as the commands of this package ask it; what goes wrong is told to the person at the terminal."""

import os
import time
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

KEY_VARIABLE = "HOUSING_PRICE_API_KEY"
POLL_SECONDS = 0.5
SECONDS = 60.0
FINISHED = {"succeeded", "failed", "cancelled"}

Url = Annotated[str, typer.Option("--url", help="Where the API is.", envvar="HOUSING_PRICE_API_URL")]
DEFAULT_URL = "http://127.0.0.1:8000"


class Api:
    """The API's operations, with the key of the environment."""

    def __init__(self, url: str) -> None:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=SECONDS)

    # One way in for all of them, so that each failure is told in the same words.
    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Ask, and give the document of the answer; anything else ends the program with a message."""
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            fail(f"the API at {self._client.base_url} did not answer: {error!r}")
        if not answer.is_success:
            fail(f"{answer.status_code}: {_reason(answer)}")
        return answer.json()

    def follow(self, job_id: str) -> None:
        """Follow a job to its end with a progress bar; ends with 1 unless it succeeds."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("queued", total=None)
            while True:
                job = self.ask("GET", f"/jobs/{job_id}")
                done, total, step = how_far(job)
                description = " ".join((job["state"], step)).strip()
                progress.update(bar, description=description, completed=done, total=total or None)
                if job["state"] in FINISHED:
                    break
                time.sleep(POLL_SECONDS)
        typer.echo(job["state"])
        if job["state"] != "succeeded":
            error = job["error"] or {}
            fail(f"the job has {job['state']} {error.get('code', '')} {error.get('detail', '')}".strip())


def how_far(job: dict[str, Any]) -> tuple[int, int, str]:
    """Say how much of a job is done, of how much, and what is being done."""
    progress = job["progress"] or {}
    done = progress.get("rowsDone", progress.get("stepsDone", 0))
    return done, progress.get("rowsTotal", progress.get("stepsTotal", 0)), progress.get("step", "")


def fail(message: str) -> NoReturn:
    """End the program with a message."""
    typer.echo(f"housing-price: {message}", err=True)
    raise typer.Exit(1)


def _reason(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return answer.reason_phrase
    if isinstance(document.get("detail"), list):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in document["detail"])
    return f"{document.get('title')}. {document.get('detail')}"
