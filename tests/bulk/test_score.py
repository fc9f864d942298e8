"""`housing-price score` gives the prices and the refused rows of the API."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from factories import SURVEY, batch_json, house_json, houses_json, survey_houses
from waiting import wait_until

from .files import FORMATS, names_in, write_houses
from .scoring import LargeJob, check_same_as_job, command, job_results, mixed_houses, score

BATCH = "/api/v1/price/predict/batch"


@pytest.fixture(scope="module")
def answers(api: httpx.Client) -> list[dict[str, Any]]:
    """The answers of the API for every house of the survey."""
    answer = api.post(BATCH, json=batch_json(survey_houses()))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["predictions"])


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_house_of_the_survey_has_the_price_of_the_api(
    champion: Path, answers: list[dict[str, Any]], tmp_path: Path, suffix: str
) -> None:
    source = write_houses(tmp_path / f"houses.{suffix}", survey_houses(), rows_per_group=1_000)
    scored = score(source, tmp_path / "prices.ndjson", champion)
    assert scored.status == 0, scored.text
    lines = [json.loads(line) for line in scored.result.splitlines()]
    assert [line.pop("row") for line in lines] == list(range(1, 2_931))
    assert lines == [{key: value for key, value in one.items() if key != "transactionId"} for one in answers]
    assert scored.refused == b""


def test_the_survey_itself_is_priced_by_its_own_names(
    champion: Path, answers: list[dict[str, Any]], tmp_path: Path
) -> None:
    scored = score(SURVEY, tmp_path / "prices.parquet", champion, "--processes", "1")
    assert scored.status == 0, scored.text
    table = pq.read_table(scored.output)
    assert table["id"].to_pylist() == [one["id"] for one in answers]
    assert table["predictedPrice"].to_pylist() == [one["predictedPrice"] for one in answers]
    assert table["modelId"].to_pylist() == [one["model"]["id"] for one in answers]


@pytest.mark.parametrize("suffix", FORMATS)
def test_result_and_refused_rows_are_those_of_a_job_byte_for_byte(
    api: httpx.Client, champion: Path, tmp_path: Path, suffix: str
) -> None:
    source = write_houses(tmp_path / f"houses.{suffix}", mixed_houses())
    scored = score(source, tmp_path / f"prices.{suffix}", champion)
    check_same_as_job(scored, job_results(api, source), tmp_path)
    assert len(scored.refused.splitlines()) == 3
    assert scored.status == 3
    assert "297 priced, 3 refused" in scored.text


def test_100_000_rows_are_those_of_a_job_and_of_one_process(
    large_job: LargeJob, champion: Path, tmp_path: Path
) -> None:
    for processes in ("1", "2"):
        scored = score(large_job.source, tmp_path / f"{processes}.csv", champion, "--processes", processes)
        check_same_as_job(scored, large_job.results, tmp_path)


def test_a_file_without_a_priced_row_has_only_refused_rows(champion: Path, tmp_path: Path) -> None:
    source = write_houses(tmp_path / "houses.ndjson", [house_json(street="Dummy")] * 3)
    scored = score(source, tmp_path / "prices.csv", champion)
    assert scored.status == 1
    assert scored.text == (
        "housing-price: none of the 3 rows was priced. The refused rows say why: "
        f"{tmp_path}/prices.csv.refused.ndjson\n"
    )
    assert not scored.output.exists()
    assert len(scored.refused.splitlines()) == 3


def test_a_process_that_is_killed_ends_the_command_and_leaves_nothing(champion: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    source = write_houses(tmp_path / "houses.csv", houses_json(200_000))
    output = tmp_path / "prices.csv"
    running = subprocess.Popen(
        command(source, output, champion, "--processes", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "work")},
    )
    try:
        wait_until(lambda: any((tmp_path / "work").rglob("*.priced")), "no part was written", seconds=120)
        os.kill(children_of(running.pid)[-1], signal.SIGKILL)
        text, _ = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 1
    assert text == (
        "housing-price: a process ended before its rows were priced: it was killed, or the memory is full "
        "(see --processes)\n"
    )
    assert names_in(tmp_path) == ["houses.csv", "work"]
    # `.ses` is a file of onnxruntime.
    assert set(names_in(tmp_path / "work")) <= {".ses"}


def children_of(process: int) -> list[int]:
    """Return the processes of the pool."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process and "spawn_main" in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_damaged_model_prices_nothing(champion: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(champion, model)
    graph = model / "model" / "artifacts" / "graph.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    source = write_houses(tmp_path / "houses.ndjson", houses_json(1))
    scored = score(source, tmp_path / "prices.csv", model)
    assert scored.status == 1
    assert "files differ from those recorded: model/artifacts/graph.onnx was changed" in scored.text
    assert len(scored.text.splitlines()) == 1


def test_a_model_of_comparable_sales_prices_nothing(small_export: Path, tmp_path: Path) -> None:
    source = write_houses(tmp_path / "houses.ndjson", houses_json(1))
    scored = score(source, tmp_path / "prices.csv", small_export / "comparables")
    assert scored.status == 1
    assert "expected a model that prices houses" in scored.text
