"""Runs `housing-price score` in a process, and jobs of the API for comparison."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq

from factories import house_json, survey_houses
from waiting import wait_until

SECONDS = 240
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True)
class Scored:
    """The exit status, the printed text and the result file of a command."""

    status: int
    text: str
    output: Path

    @property
    def result(self) -> bytes:
        return self.output.read_bytes()

    @property
    def refused(self) -> bytes:
        return self.output.with_name(f"{self.output.name}.refused.ndjson").read_bytes()


@dataclass(frozen=True)
class LargeJob:
    """A CSV file of 100,000 rows, of which some are refused, and what a job of the API made of it."""

    source: Path
    results: tuple[bytes, bytes]
    """The result and the refused rows."""


def command(source: Path, output: Path, model: Path, *options: str) -> list[str]:
    files = ("--input", str(source), "--output", str(output), "--model", str(model))
    return [sys.executable, "-m", "housing_price", "score", *files, *options]


def score(source: Path, output: Path, model: Path, *options: str) -> Scored:
    """Score a file; returns how it ended."""
    ended = subprocess.run(
        command(source, output, model, *options), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return Scored(ended.returncode, ended.stdout + ended.stderr, output)


def job_results(api: httpx.Client, source: Path) -> tuple[bytes, bytes]:
    """Score a file as a job; returns the result and the refused rows."""
    media_type = {"content-type": MEDIA_TYPES[source.suffix]}
    answer = api.post("/api/v1/jobs/scoring", content=source.read_bytes(), headers=media_type)
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    ended = {"succeeded", "failed"}
    wait_until(lambda: api.get(location).json()["state"] in ended, "the job did not end", seconds=SECONDS)
    assert api.get(location).json()["state"] == "succeeded"
    return api.get(f"{location}/result").content, api.get(f"{location}/refused").content


def check_same_as_job(scored: Scored, job: tuple[bytes, bytes], folder: Path) -> None:
    """Check that prices and refused rows are those of a job, byte for byte; in Parquet files, value for value."""
    result, refused = job
    assert scored.refused == refused
    if scored.output.suffix == ".parquet":
        (folder / "job.parquet").write_bytes(result)
        assert pq.read_table(scored.output).equals(pq.read_table(folder / "job.parquet"))
    else:
        assert scored.result == result


def mixed_houses() -> list[dict[str, Any]]:
    """Houses of which some are refused, and some have warnings."""
    houses = survey_houses()[:300]
    houses[17] = house_json(id=18, street="Dummy")
    houses[18] = house_json(id=19, lotArea=-1, overallQual=11)
    houses[250] = house_json(id=251, yrSold=2026)
    houses[299] = house_json(id=300, neighborhood=None)
    return houses
