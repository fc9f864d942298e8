"""`housing-price score --engine spark` on a real cluster: the results of the API, also when a worker is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from factories import survey_houses
from waiting import wait_until

from . import in_one_session
from .cluster import QUICK_START, Cluster, running_cluster, skip_without_spark
from .files import FORMATS, names_in, write_houses
from .scoring import SECONDS, LargeJob, Scored, check_same_as_job, command, job_results, mixed_houses

pytestmark = pytest.mark.full

ENVIRONMENT = {**os.environ, **QUICK_START}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers, which all tests but the last one leave as it is."""
    skip_without_spark()
    with running_cluster(tmp_path_factory.mktemp("spark")) as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the files that are scored in one session."""
    return tmp_path_factory.mktemp("scored")


@pytest.fixture(scope="module")
def scored(cluster: Cluster, champion: Path, folder: Path) -> dict[str, Scored]:
    """All files that need no command of their own, scored in one session."""
    houses = [*survey_houses(), *mixed_houses()]
    files = {suffix: write_houses(folder / f"houses.{suffix}", houses, rows_per_group=1_000) for suffix in FORMATS}
    # First the changed model: a process that has loaded the model of a digest does not read it again.
    sources = {"changed model": files["csv"], **files, "damaged": damaged_parquet(folder / "damaged.parquet")}
    outputs = {name: folder / f"prices-{name}.{name if name in FORMATS else 'csv'}" for name in sources}
    sent = dict.fromkeys(sources, champion) | {"changed model": changed_model(champion, folder / "model")}
    arguments = [[str(sources[name]), str(outputs[name]), str(champion), str(sent[name])] for name in sources]
    ended = subprocess.run(
        [sys.executable, "-m", in_one_session.__name__, cluster.url, json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=ENVIRONMENT,
    )
    assert ended.returncode == 0, ended.stderr
    texts = json.loads(ended.stdout.splitlines()[-1])
    return {name: Scored(0, text, outputs[name]) for name, text in zip(sources, texts, strict=True)}


def damaged_parquet(path: Path) -> Path:
    """Write a Parquet file of which only the rows are damaged, so that the driver cannot notice it."""
    write_houses(path, survey_houses())
    content = bytearray(path.read_bytes())
    content[1_000:60_000] = b"\xff" * 59_000
    path.write_bytes(content)
    return path


def changed_model(model: Path, copy: Path) -> Path:
    """Copy a model and change one of its files."""
    shutil.copytree(model, copy)
    graph = copy / "model" / "artifacts" / "graph.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    return copy


@pytest.mark.parametrize("suffix", FORMATS)
def test_prices_and_refused_rows_are_those_of_a_job(
    scored: dict[str, Scored], api: httpx.Client, folder: Path, tmp_path: Path, suffix: str
) -> None:
    one = scored[suffix]
    check_same_as_job(one, job_results(api, folder / f"houses.{suffix}"), tmp_path)
    assert one.text.startswith("3,227 priced, 3 refused"), one.text


def test_a_damaged_file_is_told_in_one_line_by_the_task_that_reads_it(scored: dict[str, Scored], folder: Path) -> None:
    text = scored["damaged"].text
    assert text.startswith(f"{folder / 'damaged.parquet'}: Not a readable Parquet file: ")
    assert len(text.splitlines()) == 1


def test_executors_verify_the_digest_of_the_model_that_they_get(scored: dict[str, Scored]) -> None:
    text = scored["changed model"].text
    assert "files differ from those recorded: model/artifacts/graph.onnx was changed" in text
    assert len(text.splitlines()) == 1


def test_errors_leave_no_file(scored: dict[str, Scored], folder: Path) -> None:
    results = [scored[suffix].output.name for suffix in FORMATS]
    assert [name for name in names_in(folder) if name.startswith((".", "prices"))] == sorted(
        [*results, *(f"{name}.refused.ndjson" for name in results)]
    )


def test_100_000_rows_are_those_of_a_job_although_a_worker_is_killed(
    cluster: Cluster, champion: Path, large_job: LargeJob, tmp_path: Path
) -> None:
    """The last test of this module: one worker is gone afterwards."""
    output = tmp_path / "prices.csv"
    running = subprocess.Popen(
        command(large_job.source, output, champion, "--engine", "spark", "--master", cluster.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        # A fifth of the rows is priced by then.
        wait_until(lambda: any(tmp_path.glob(".housing-price-score-*/*.priced")), "no part was written", seconds=120)
        cluster.kill(cluster.workers[0])
        text, _ = running.communicate(timeout=SECONDS)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 3, text
    assert "Lost executor" in text
    check_same_as_job(Scored(running.returncode, text, output), large_job.results, tmp_path)
    assert names_in(tmp_path) == ["prices.csv", "prices.csv.refused.ndjson"]
