"""Measures `housing-price score`: rows per second and memory of each engine, for files of each format."""

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import batched, cycle, islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import model
from benchmarks.houses import Document, documents
from benchmarks.load import WrongAnswer
from benchmarks.machine import description
from benchmarks.paths import REPOSITORY, RESULTS, STATE
from benchmarks.processes import environment, process_tree
from housing_price_platform.files import write_atomically

PAGES: Final = (REPOSITORY / "docs" / "bulk.md", REPOSITORY / "benchmarks" / "README.md")
DOCUMENTED_ROWS: Final = 1_000_000
"""Rows of the files whose table is written into the page."""
FORMATS: Final = ("csv", "ndjson", "parquet")
ROWS_PER_GROUP: Final = 100_000
"""Rows of a row group of the measured Parquet file."""

_BEGIN, _END = "<!-- begin: rates -->", "<!-- end: rates -->"
_MEMORY_INTERVAL_SECONDS: Final = 0.25
_TIMEOUT_SECONDS: Final = 3_600.0
_RATE: Final = re.compile(r"\(([0-9,]+) rows/s\)")


@dataclass(frozen=True)
class Line:
    """One measurement."""

    input: str
    """The format of the input."""
    engine: str
    rows: int
    rate: int
    """Rows per second from reading the first row to the complete result, as the command reports."""
    seconds: float
    """Time of the whole command, with its start."""
    memory_bytes: int
    """Peak of the memory of all processes (proportional set size)."""


def measure(rows: int, formats: Sequence[str], export: Path | None) -> list[Line]:
    """Score a file of each format with each engine.

    Args:
        rows: Rows of each file.
        formats: The formats of the input; the output is CSV.
        export: Folder of an exported model; None to train one.

    Raises:
        WrongAnswer: The command failed, or two engines gave different results.
    """
    used = export or model.exported()
    lines: list[Line] = []
    results = set()
    with tempfile.TemporaryDirectory(prefix="housing-price-benchmark-") as folder:
        for suffix in formats:
            source = houses_file(rows, suffix)
            for name, options in engines().items():
                output = Path(folder) / f"{suffix}-{len(lines)}.csv"
                files = ("--input", str(source), "--output", str(output), "--model", str(used))
                lines.append(_run(suffix, name, rows, (*files, *options)))
                results.add(hashlib.sha256(output.read_bytes()).hexdigest())
                output.unlink()
    if len(results) != 1:
        raise WrongAnswer(f"{len(lines)} measurements gave {len(results)} different results")
    return lines


def engines() -> dict[str, tuple[str, ...]]:
    """Return the options of each engine by its name; without Spark where it is not installed."""
    cores = os.process_cpu_count() or 1
    found: dict[str, tuple[str, ...]] = {
        "local, 1 process": ("--processes", "1"),
        f"local, {cores} processes": ("--processes", str(cores)),
    }
    if find_spec("pyspark") is not None and shutil.which("java") is not None:
        found[f"spark, local[{cores}]"] = ("--engine", "spark", "--master", f"local[{cores}]")
    return found


def houses_file(rows: int, suffix: str) -> Path:
    """Write a file with the houses of the survey, again and again, unless it exists; returns its path."""
    path = STATE / "bulk" / f"{rows}.{suffix}"
    if not path.exists():
        write: Callable[[BinaryIO, Iterator[Document]], None] = _WRITERS[suffix]
        write_atomically(path, lambda file: write(file, _houses(rows)), parents=True, is_durable=False)
    return path


def as_table(lines: Sequence[Line]) -> str:
    """Return a Markdown table."""
    rows = [
        f"| {one.input} | {one.engine} | {one.rate:,} | {one.seconds:.0f} | {one.memory_bytes / 2**20:,.0f} |"
        for one in lines
    ]
    head = ["| input | engine | rows/s | seconds with the start | MiB |", "|---|---|---|---|---|"]
    count = f"{lines[0].rows:,} rows; the output is CSV. Row groups of {ROWS_PER_GROUP:,} rows in Parquet."
    return "\n".join([*head, *rows, "", f"{count} {description()}."])


def write(table: str, pages: Sequence[Path] = PAGES) -> None:
    """Write the table to results/bulk.md and into the pages that show it."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bulk.md").write_text(f"{table}\n", encoding="utf-8")
    for page in pages:
        head, rest = page.read_text(encoding="utf-8").split(_BEGIN)
        _, tail = rest.split(_END)
        page.write_text(f"{head}{_BEGIN}\n\n{table}\n\n{_END}{tail}", encoding="utf-8")


def _run(suffix: str, engine: str, rows: int, options: Sequence[str]) -> Line:
    started = time.perf_counter()
    running = subprocess.Popen(  # noqa: S603 - this project's own command
        [sys.executable, "-m", "housing_price", "score", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        memory = 0
        while running.poll() is None:
            memory = max(memory, sum(map(_proportional_bytes, process_tree(running.pid))))
            if time.perf_counter() - started > _TIMEOUT_SECONDS:
                raise WrongAnswer(f"{engine}: not finished after {_TIMEOUT_SECONDS:.0f} s")
            time.sleep(_MEMORY_INTERVAL_SECONDS)
        seconds = time.perf_counter() - started
        text, _ = running.communicate()
    finally:
        running.kill()
        running.wait()
    rate = _RATE.search(text)
    if running.returncode or rate is None or not text.startswith(f"{rows:,} priced: "):
        raise WrongAnswer(f"{engine}, {suffix}: exit status {running.returncode}: {text}")
    return Line(suffix, engine, rows, int(rate[1].replace(",", "")), seconds, memory)


def _proportional_bytes(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0  # it ended meanwhile
    found = re.search(r"^Pss:\s+([0-9]+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _houses(rows: int) -> Iterator[Document]:
    for number, house in enumerate(islice(cycle(documents()), rows), 1):
        yield house | {"id": number}


def _write_csv(file: BinaryIO, houses: Iterator[Document]) -> None:
    names = list(documents()[0])
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(names)
    for house in houses:
        writer.writerow(house.values())
        if len(lines.texts) >= ROWS_PER_GROUP:
            file.write(lines.take())
    file.write(lines.take())


class _Lines:
    """Collects what a CSV writer writes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, text: str) -> None:
        self.texts.append(text)

    def take(self) -> bytes:
        content = "".join(self.texts).encode()
        self.texts.clear()
        return content


def _write_ndjson(file: BinaryIO, houses: Iterator[Document]) -> None:
    file.writelines(orjson.dumps(house, option=orjson.OPT_APPEND_NEWLINE) for house in houses)


def _write_parquet(file: BinaryIO, houses: Iterator[Document]) -> None:
    schema = pa.Table.from_pylist(documents()).schema
    with pq.ParquetWriter(file, schema) as writer:
        for group in batched(houses, ROWS_PER_GROUP, strict=False):
            writer.write_table(pa.Table.from_pylist(list(group), schema=schema))


_WRITERS: Final[dict[str, Any]] = {"csv": _write_csv, "ndjson": _write_ndjson, "parquet": _write_parquet}
