import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from housing_price_model.artefact.export import MANIFEST, MODEL, read_export
from housing_price_model.cli.app import app
from housing_price_model.errors import ArtefactError
from housing_price_model.prediction_log.replay import replay
from housing_price_model.prediction_log.rows import Window
from housing_price_model.training.train import Trained

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

run = CliRunner().invoke


def test_help_lists_the_commands() -> None:
    output = run(app, ["--help"]).output
    assert all(command in output for command in ("train", "evaluate", "export", "serve"))


def test_export_writes_the_registered_model(store: str, trained: Trained, tmp_path: Path) -> None:
    assert trained.registered
    done = run(app, ["export", "--to", str(tmp_path / "export"), "--tracking-uri", store])
    assert done.exit_code == 0, done.output
    manifest = read_export(tmp_path / "export")
    assert manifest.digest == trained.registered.digest
    assert json.loads((tmp_path / "export" / MANIFEST).read_text())["version"] == "1"


def test_export_keeps_an_identical_export_and_replaces_a_damaged_one(
    store: str, trained: Trained, tmp_path: Path
) -> None:
    del trained
    folder = tmp_path / "export"
    export = ["export", "--to", str(folder), "--tracking-uri", store]
    assert "Exported" in run(app, export).output
    before = (folder / MANIFEST).stat().st_mtime_ns
    assert "already" in run(app, export).output
    assert (folder / MANIFEST).stat().st_mtime_ns == before

    (folder / MODEL / "served.py").write_text("", encoding="utf-8")
    assert "Exported" in run(app, export).output
    read_export(folder)


def test_evaluate_prints_the_same_metrics_as_training(store: str, trained: Trained, few_houses: Path) -> None:
    uri = "models:/housing-price/1"
    done = run(app, ["evaluate", "--model", uri, "--data", str(few_houses), "--tracking-uri", store])
    assert done.exit_code == 0, done.output
    assert "housing-price version 1" in done.output
    assert all(name in done.output for name in trained.metrics)
    assert "Ratio studies of housing-price version 1" in done.output
    assert all(name in done.output for name in ("all sales", "at arm's length", "lowest quarter", "NAmes"))


@pytest.mark.full
def test_evaluate_without_data_shows_the_held_out_measures_of_price_comparables_and_value(
    store: str, trained: Trained
) -> None:
    done = run(app, ["evaluate", "--tracking-uri", store])
    assert done.exit_code == 0, done.output
    assert "housing-price version 1, on held-out houses" in done.output
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in done.output.splitlines()}
    assert rows["measure"] == ["price", "comparables", "value", "value, earlier sales only"]
    assert rows["RMSLE"][0] == f"{trained.metrics['rmsle']:.4f}"
    assert all(0.05 < float(cell) < 1 for cell in rows["RMSLE"])
    assert rows["coverage of the 90 % interval"][1] == "", "the comparables alone have no interval"
    assert {"high", "medium", "low"} <= rows.keys()
    assert "Ratio studies of the value" in done.output
    markdown = run(app, ["evaluate", "--markdown", "--tracking-uri", store])
    assert markdown.exit_code == 0, markdown.output
    assert (
        "| measure | price | comparables | value | value, earlier sales only |\n|---|---|---|---|---|"
        in markdown.output
    )


def test_figures_prints_the_benchmark_table(export: Path) -> None:
    done = run(app, ["figures", str(export)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("| measure | target | measured |")
    assert all(measure in done.output for measure in ("RMSLE", "coverage", "1,000 rows", "training", "artefact"))


def test_figures_prints_the_benchmark_table_of_the_comparables_model(export: Path) -> None:
    done = run(app, ["figures", str(export / "comparables")])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("| measure | target | measured |")
    assert all(measure in done.output for measure in ("1 row", "1,000 rows", "<= 300 ms", "artefact", "<= 2 MB"))


def test_evaluate_and_replay_refuse_a_comparables_model(
    store: str, trained: Trained, export: Path, few_houses: Path
) -> None:
    assert trained.comparables.registered
    folder, uri = str(export / "comparables"), "models:/housing-comparables/1"
    reason = "expected a model that prices houses; housing-comparables finds comparable sales"
    done = run(app, ["evaluate", "--model", uri, "--data", str(few_houses), "--tracking-uri", store])
    assert done.exit_code == 1
    assert " ".join(done.stderr.split()) == f"error: {uri}: {reason}"
    unread_log: Any = None
    with pytest.raises(ArtefactError, match=f"{folder}: {reason}"):
        replay(unread_log, Window(), folder, store)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "nowhere.csv"], "nowhere.csv: file not found"),
        (["serve", "--model", "nowhere"], "nowhere: manifest.json not found"),
        (
            ["serve", "nowhere", "--model", "models:/housing-price/1"],
            "nowhere and --model models:/housing-price/1: two models given",
        ),
        (["evaluate", "--data", "nowhere.csv"], "nowhere.csv: file not found"),
        (["export", "--to", "there", "--model", "nonsense"], "nonsense: expected models:/NAME@ALIAS"),
    ],
)
def test_error_is_one_line_on_stderr_with_exit_status_1(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(app, arguments, env={"MLFLOW_TRACKING_URI": store})
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith(f"error: {message}")


@pytest.mark.parametrize("end", ["2026-06-29", "2026-06-30", "2026-06-30T00:00:00Z", "2026-06-30T01:00:00+02:00"])
@pytest.mark.parametrize(
    "command", [["drift"], ["replay", "--model", "nowhere"], ["realised-error"], ["compare-shadow", "2"]]
)
def test_reversed_or_empty_time_range_is_a_usage_error(command: list[str], end: str) -> None:
    done = run(app, [*command, "--log", "sqlite:///nowhere.db", "--from", "2026-06-30", "--to", end])
    assert done.exit_code == 2
    assert "must be later than --from" in " ".join(done.stderr.replace("\u2502", " ").split())


@pytest.mark.parametrize("seed", ["-1", "2147483648", "4294967296", "1.5"])
@pytest.mark.parametrize("command", ["train", "candidate"])
def test_seed_that_training_cannot_use_is_a_usage_error(command: str, seed: str) -> None:
    done = run(app, [command, "--seed", seed])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_mlflow_reports_no_usage() -> None:
    script = (
        "import housing_price_model.registry.versions; from mlflow.telemetry import get_telemetry_client, utils; "
        "print(utils.is_telemetry_disabled(), get_telemetry_client())"
    )
    # MLflow also turns reporting off where it recognises tests.
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=kept,
    )
    assert done.stdout == "True None\n", done.stderr
