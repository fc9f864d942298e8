"""Reports model servers that were started outside the runner, by writing `observed.json` in its place."""

import time
from collections.abc import Iterator
from typing import Final

import httpx

from housing_price_model.errors import ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Observed, SeenServer
from housing_price_model.lifecycle.serving_folder import ServingFolder

_POLL_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 5


def report(serving: ServingFolder, servers: tuple[SeenServer, ...], within_seconds: float) -> Desired:
    """Write `observed.json` as soon as each server answers and is listed in `desired.json`.

    Waiting for both is necessary: a started server may still be loading its model, and the job that needs the server
    may still be exporting the model.

    If the champion is among the servers, the routes are updated to the new addresses.

    Returns:
        The desired state.

    Raises:
        ServingFolderError: a server does not answer in time or is not listed in `desired.json`. Nothing is written.
    """
    ends = time.monotonic() + within_seconds
    while True:
        desired = serving.desired()
        missing = next(_missing(desired, servers), None)
        if missing is None:
            break
        if time.monotonic() > ends:
            raise ServingFolderError(f"{missing} (waited {within_seconds:g} s)")
        time.sleep(_POLL_SECONDS)
    observed = Observed(revision=desired.revision, servers=servers)
    serving.write_observed(observed)
    if desired.roles.champion is not None and observed.server(desired.roles.champion):
        serving.write_routes(desired.roles)
    return desired


def _missing(desired: Desired, servers: tuple[SeenServer, ...]) -> Iterator[str]:
    for server in servers:
        if desired.server(server.version) is None:
            yield f"version {server.version} is not listed in desired.json: no job has requested a model server for it"
        elif not _answers(server.address):
            yield f"the model server of version {server.version} does not answer at {server.address}"


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ping", timeout=_TIMEOUT_SECONDS).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
