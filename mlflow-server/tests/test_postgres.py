"""The tracking server on Postgres, with the address that the other services take too."""

import signal
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from postgres import Postgres

from .conftest import start_server


@pytest.mark.full
def test_runs_are_kept_in_postgres_across_a_restart(postgres: Postgres, tmp_path: Path) -> None:
    address = postgres.new_database()
    assert address.startswith("postgresql://")
    server = start_server(tmp_path, address)
    try:
        experiment = MlflowClient(server.url).create_experiment("kept")
    finally:
        server.stop(signal.SIGTERM)
    again = start_server(tmp_path, address)
    try:
        assert MlflowClient(again.url).get_experiment(experiment).name == "kept"
    finally:
        again.stop(signal.SIGTERM)
