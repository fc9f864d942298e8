"""Has a file of parquet read by a process of its own (`reading.py`), whatever that does."""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_orchestrator.worker.write_results import write_whole

MEMORY_MEGABYTES = 512
"""So much may reading take on top of what the program itself needs."""
UNUSABLE = 3
"""The exit status of `reading.py` where it says what is wrong with the file."""

_READING = "housing_price_orchestrator.worker.parquet.read"
_MAX_TEXT_BYTES = 2_000


def is_there() -> bool:
    """Tell whether this worker can read and write parquet."""
    return find_spec("pyarrow") is not None


def convert(source: Path, target: Path, *, limit_bytes: int, memory_megabytes: int = MEMORY_MEGABYTES) -> None:
    """Write the rows of `source` as JSON lines; `target` is there as a whole or not at all.

    Raises:
        JobInputUnusable: it is no parquet, or has other columns than a house, or its rows take more than `limit_bytes`,
            or reading it takes too much memory.
    """
    command = [sys.executable, "-I", "-m", _READING, str(source), str(memory_megabytes)]
    # Nothing of what this process knows is for one that reads what strangers sent.
    environment = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    with tempfile.TemporaryFile() as said:
        reader = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=environment
        )
        try:
            write_whole(target, lambda file: _copy(reader, file, limit_bytes))
            status = reader.wait()
        finally:
            reader.kill()
            reader.wait()
            if reader.stdout is not None:
                reader.stdout.close()
        if status != 0:
            target.unlink(missing_ok=True)
            said.seek(0)
            text = said.read(_MAX_TEXT_BYTES).decode(errors="replace")
            if status != UNUSABLE or not text:
                text = "Reading the file took too much memory, or failed in another way: is it damaged?"
            raise JobInputUnusable(text)


def _copy(reader: subprocess.Popen[bytes], target: BinaryIO, limit_bytes: int) -> None:
    if reader.stdout is None:
        raise RuntimeError("the reader has no standard output")
    size = 0
    while block := reader.stdout.read(BLOCK_BYTES):
        size += len(block)
        if size > limit_bytes:
            raise JobInputUnusable(f"The rows of the file take more than {limit_bytes} bytes as JSON.")
        target.write(block)
