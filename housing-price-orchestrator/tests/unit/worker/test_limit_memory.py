"""The memory of the Parquet reader is bounded, with and without `/proc`."""

import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories import house_json
from housing_price_orchestrator.worker.parquet.limit_memory import EXIT_TOO_MUCH_MEMORY, STATM, peak_bytes

NO_PROC = Path("/no/such/proc")
MODULE = "housing_price_orchestrator.worker.parquet"
SECONDS = 60


def run(program: str) -> int:
    # Through a shell: the kernel counts the peak memory of the process that starts another one as that of the other.
    command = shlex.join([sys.executable, "-c", program])
    return subprocess.run(["sh", "-c", f"{command}; exit $?"], timeout=SECONDS, check=False).returncode


@pytest.mark.parametrize("statm", [STATM, NO_PROC], ids=["proc", "no proc"])
@pytest.mark.parametrize(("megabytes", "is_ended"), [(20, False), (300, True)])
def test_a_process_may_use_so_much_more_and_no_more(statm: Path, megabytes: int, *, is_ended: bool) -> None:
    program = f"""
import time
from pathlib import Path
from {MODULE}.limit_memory import limit_memory
limit_memory(100, statm=Path({str(statm)!r}))
block = b"x" * ({megabytes} << 20)
deadline = time.monotonic() + {SECONDS}
while {is_ended} and time.monotonic() < deadline:
    time.sleep(0.01)
"""
    status = run(program)
    # If the kernel enforces the limit, Python raises MemoryError.
    assert status == (0 if not is_ended else EXIT_TOO_MUCH_MEMORY if statm is NO_PROC else 1)


@pytest.mark.full
def test_a_file_that_needs_too_much_memory_ends_only_its_reader_without_proc(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([house_json() | {"street": "x" * 100_000_000}])
    table = pa.table({name: pa.array([table.column(name)[0].as_py()] * 3) for name in table.column_names})
    pq.write_table(table, tmp_path / "x", compression="zstd", use_dictionary=False)
    program = f"""
import sys
from functools import partial
from pathlib import Path
from {MODULE} import read
read.limit_memory = partial(read.limit_memory, statm=Path({str(NO_PROC)!r}))
sys.stdout = open("/dev/null", "w")
sys.exit(read.main({str(tmp_path / "x")!r}, "64"))
"""
    assert run(program) == EXIT_TOO_MUCH_MEMORY


def test_the_peak_is_in_bytes() -> None:
    assert 10 << 20 < peak_bytes() < 100 << 30
