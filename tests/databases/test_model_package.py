"""The readers and workers of the model package while Postgres is silent: an error in time, and SIGTERM ends them."""

import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from benchmarks.faults.databases.silent_proxy import SilentProxy

from housing_price_model.errors import LogError
from housing_price_model.prediction_log import database
from housing_price_model.prediction_log.reader import open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_orchestrator.provider.store.database import prepare_database
from housing_price_survey.columns import COLUMNS
from servers import Process

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("accepts_new", [False, True])
def test_a_reader_gives_up_on_a_silent_log(
    proxied_url: str, proxy: SilentProxy, monkeypatch: pytest.MonkeyPatch, accepts_new: bool
) -> None:
    prepare_database(
        sa.make_url(proxied_url).set(drivername="postgresql+psycopg"), COLUMNS, wait_seconds=30, statement_seconds=120
    )
    monkeypatch.setattr(database, "_WAIT_SECONDS", 2.0)
    with open_log(proxied_url) as log:
        assert log.models(Window()) == []
        proxy.go_silent(accepts_new=accepts_new)
        if accepts_new:
            # The pooled connection is lost; another replaces it.
            assert log.models(Window()) == []
        else:
            with pytest.raises(LogError, match="timeout expired"):
                log.models(Window())


def test_a_worker_waits_for_a_silent_database_and_ends_on_sigterm(
    proxied_url: str, proxy: SilentProxy, tmp_path: Path
) -> None:
    command = (sys.executable, "-m", "housing_price_model", "worker", "--queue", "lifecycle", "--name", "mover")
    serving = ("--serving", str(tmp_path / "serving"))
    proxy.go_silent()
    with Process(*command, *serving, "--database", proxied_url) as worker:
        worker.says("jobs database unavailable, waiting for it")
        assert worker.stop() == 0
    proxy.resume()
    with Process(*command, *serving, "--database", proxied_url) as worker:
        worker.says("takes jobs from the queue lifecycle")
        proxy.go_silent()
        assert worker.stop() == 0
