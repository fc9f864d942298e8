"""Applications that the tests of the OpenAPI document share."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from factories import client_of, settings_for
from housing_price_orchestrator.app import create_app
from servers import StubModelServer, finds
from waiting import wait_until


@pytest.fixture(scope="module")
def logged_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of one application with both models, the prediction log and jobs; no worker runs the jobs."""
    folder = tmp_path_factory.mktemp("service")
    jobs = {"database_url": f"sqlite:///{folder / 'jobs.db'}", "folder": folder / "jobs", "stores": "s3://houses"}
    log = {"enabled": True, "url": f"sqlite:///{folder / 'log.db'}"}
    with StubModelServer() as stub, StubModelServer(finds()) as sold:
        settings = settings_for(stub.url, prediction_log=log, jobs=jobs, comparables={"base_url": sold.url})
        with client_of(create_app(settings)) as api:
            wait_until(lambda: api.get("/api/v1/predictions").status_code == 200, "the log cannot be asked")
            yield api
