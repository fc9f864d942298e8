"""HTTP client of the API for command-line use: failures are printed and end the program."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import quote

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from housing_price_platform.environment.variables import SharedVariable
from housing_price_platform.output.console import CleanConsole
from housing_price_platform.output.terminal import echo

POLL_SECONDS: Final = 0.5
TIMEOUT_SECONDS: Final = 60.0
FINISHED: Final = {"succeeded", "failed", "cancelled"}

Url = Annotated[str, typer.Option("--url", help="Address of the API.", envvar=SharedVariable.API_URL)]
DEFAULT_URL: Final = "http://127.0.0.1:8000"


class Api:
    """Sends requests to the API, with the key of `SharedVariable.API_KEY`."""

    def __init__(self, url: str) -> None:
        key = os.environ.get(SharedVariable.API_KEY)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=TIMEOUT_SECONDS)
        except httpx.InvalidURL:
            fail(f"{url} is not a valid URL: set --url or {SharedVariable.API_URL}")

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Send a request and return the JSON of the response; a failure ends the program with a message."""
        try:
            response = self._client.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fail(f"no response from the API at {self._client.base_url}: {error!r}")
        if not response.is_success:
            fail(f"{response.status_code}: {_reason(response)}")
        try:
            return response.json()
        except ValueError:
            fail(f"{self._client.base_url} does not answer with JSON: is it the address of the API?")

    def report_of(self, job_id: str) -> dict[str, Any]:
        """Return the report of a job; empty if there is none, or no longer."""
        try:
            response = self._client.get(f"/jobs/{quote(job_id, safe='', errors='replace')}/result")
            return dict(response.json()) if response.is_success else {}
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
            return {}

    def follow(self, job_id: str) -> dict[str, Any]:
        """Show the progress of a job until it has finished; return it."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=CleanConsole(stderr=True)) as progress:
            bar = progress.add_task("queued", total=None)
            while True:
                job: dict[str, Any] = self.request("GET", f"/jobs/{job_id}")
                done, total, step = job_progress(job)
                description = " ".join((job["state"], step)).strip()
                progress.update(bar, description=description, completed=done, total=total or None)
                if job["state"] in FINISHED:
                    return job
                time.sleep(POLL_SECONDS)

    @contextmanager
    def download(self, path: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Download a file: its media type and its content in blocks; a failure ends the program with a message."""
        try:
            with self._client.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    fail(f"{response.status_code}: {_reason(response)}")
                yield response.headers.get("content-type", ""), response.iter_bytes()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fail(f"the download from {self._client.base_url} failed: {error!r}")


def job_progress(job: dict[str, Any]) -> tuple[int, int, str]:
    """Return the rows or steps that are done, their total (0 while unknown), and the name of the current step."""
    progress = job["progress"] or {}
    done = progress.get("rowsDone", progress.get("stepsDone", 0))
    return done, progress.get("rowsTotal", progress.get("stepsTotal", 0)), progress.get("step", "")


def fail(message: str) -> NoReturn:
    """Print an error message and end the program with status 1."""
    echo(f"housing-price: {message}", err=True)
    raise typer.Exit(1)


def _reason(response: httpx.Response) -> str:
    try:
        document = response.json()
    except ValueError:
        return response.reason_phrase
    if isinstance(document.get("detail"), list):
        return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in document["detail"])
    return f"{document.get('title')}. {document.get('detail')}"
