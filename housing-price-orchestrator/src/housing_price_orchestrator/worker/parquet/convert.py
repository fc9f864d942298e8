"""Converts a Parquet file to blocks of rows in a memory-limited subprocess (`read.py`)."""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_platform.files import write_atomically

MAX_MEMORY_MEGABYTES: Final = 512
"""Memory that the reader may use on top of what the program itself needs."""
EXIT_UNUSABLE: Final = 3
"""Exit status of `read.py` when standard error explains what is wrong with the file."""

_READER_MODULE: Final = "housing_price_orchestrator.worker.parquet.read"
_MAX_MESSAGE_BYTES: Final = 2_000


def is_supported() -> bool:
    """Return whether this worker can read and write Parquet."""
    return find_spec("pyarrow") is not None


def convert(source: Path, target: Path, *, max_bytes: int, max_memory_megabytes: int = MAX_MEMORY_MEGABYTES) -> None:
    """Write the rows of `source` to `target` as blocks (`blocks.py`), atomically.

    Raises:
        JobInputUnusable: the file is not Parquet, its columns do not match a house, its blocks take more
            than `max_bytes`, or reading it exceeds the memory limit.
    """
    command = [sys.executable, "-I", "-m", _READER_MODULE, str(source), str(max_memory_megabytes)]
    # The reader parses untrusted files, so it gets none of this process's environment, which holds credentials.
    environment = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    with tempfile.TemporaryFile() as stderr:
        reader = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=environment
        )
        try:
            write_atomically(target, lambda file: _copy(reader, file, max_bytes), parents=True)
            status = reader.wait()
        finally:
            reader.kill()
            reader.wait()
            if reader.stdout is not None:
                reader.stdout.close()
        if status != 0:
            target.unlink(missing_ok=True)
            stderr.seek(0)
            message = stderr.read(_MAX_MESSAGE_BYTES).decode(errors="replace")
            if status != EXIT_UNUSABLE or not message:
                message = "The file could not be read: it needs too much memory or is damaged."
            raise JobInputUnusable(message)


def _copy(reader: subprocess.Popen[bytes], target: BinaryIO, max_bytes: int) -> None:
    if reader.stdout is None:
        raise RuntimeError("the Parquet reader has no standard output")
    size = 0
    while block := reader.stdout.read(BLOCK_BYTES):
        size += len(block)
        if size > max_bytes:
            raise JobInputUnusable(f"The rows of the file exceed {max_bytes} bytes.")
        target.write(block)
