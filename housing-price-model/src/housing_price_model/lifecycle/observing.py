"""Stands in for a runner: looks at model servers that somebody else has started, and says that they run."""

import time
from collections.abc import Iterator
from typing import Final

import httpx

from housing_price_model.errors import ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Observed, SeenServer
from housing_price_model.lifecycle.serving_folder import ServingFolder

_POLL_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 5


def observe(serving: ServingFolder, servers: tuple[SeenServer, ...], within_seconds: float) -> Desired:
    """Say which model servers run, as soon as each of them answers and is to run.

    Whoever starts a server and says so at once is too early twice: the server still loads its model, and the job that
    wants it may still export it.

    Requests follow the champion, and whoever else has a part, to other addresses.

    Returns:
        What is to run.

    Raises:
        ServingFolderError: one of them does not answer in time, or is not to run. Then nothing is said.
    """
    ends = time.monotonic() + within_seconds
    while True:
        desired = serving.desired()
        missing = next(_missing(desired, servers), None)
        if missing is None:
            break
        if time.monotonic() > ends:
            raise ServingFolderError(f"{missing}, not within {within_seconds:g} s")
        time.sleep(_POLL_SECONDS)
    observed = Observed(revision=desired.revision, servers=servers)
    serving.write_observed(observed)
    if desired.roles.champion is not None and observed.server(desired.roles.champion):
        serving.write_routes(desired.roles)
    return desired


def _missing(desired: Desired, servers: tuple[SeenServer, ...]) -> Iterator[str]:
    for server in servers:
        if desired.server(server.version) is None:
            yield f"no job asks for a model server of version {server.version}"
        elif not _answers(server.address):
            yield f"the model server of version {server.version} does not answer at {server.address}"


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ping", timeout=_TIMEOUT_SECONDS).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
