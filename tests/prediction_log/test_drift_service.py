"""The check for drift as compose runs it: its very command, on a log that the orchestrator's tables make."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from housing_price_model.artefact.export import read_export
from housing_price_model.reference.profile import cells_of
from housing_price_model.serving.find_model import open_model
from housing_price_model.survey.data import BUNDLED, read_houses
from housing_price_orchestrator.provider.drift_file import DriftFile

from .logs import answers_of, new_log

COMPOSE = Path(__file__).parents[2] / "compose.yaml"
SECONDS = 120


@pytest.fixture(scope="module")
def command() -> list[str]:
    found: list[str] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["drift"]["command"]
    assert found[0] == "housing-price-model"
    return found


def test_the_command_of_compose_writes_metrics_and_ends_with_a_signal(
    command: list[str], champion: Path, tmp_path: Path
) -> None:
    cells = cells_of(read_houses(BUNDLED).features.head(100))
    with open_model(str(champion), "") as found:
        answers = answers_of(found.load(), cells)
    log = new_log(tmp_path)
    log.write(cells, answers)
    # Of the last day, as the command asks for.
    log.change("UPDATE prediction SET predicted_at = strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-1 hour')")
    log.close()
    places = {"/data/": f"{tmp_path}/", "/export/champion": str(champion), "/drift/": f"{tmp_path}/"}
    here = command[1:]
    for place, path in places.items():
        here = [part.replace(place, path) for part in here]
    metrics = tmp_path / "housing-price.prom"
    with subprocess.Popen([sys.executable, "-m", "housing_price_model", *here], cwd=tmp_path) as checking:
        try:
            deadline = time.monotonic() + SECONDS
            while not metrics.exists():
                assert checking.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it wrote nothing"
                time.sleep(0.05)
            checking.send_signal(signal.SIGTERM)
            assert checking.wait(SECONDS) == 0
        finally:
            checking.kill()
    read = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(metrics.read_text())
        for sample in family.samples
        if "feature" not in sample.labels and "family" not in sample.labels
    }
    assert read["housing_price_drift_rows"] == ({"model_id": read_export(champion).model_id}, 100.0)
    assert read["housing_price_drift_unjudged_rows"][1] == 0
    # The orchestrator understands the result.
    state = asyncio.run(DriftFile(tmp_path / "drift.json").state())
    assert state.check is not None
    assert [(one.model_id, one.rows) for one in state.check.models] == [(read_export(champion).model_id, 100)]
    assert state.check.is_alarm == bool(read["housing_price_drift_alarm"][1])
    assert state.check.since is not None
