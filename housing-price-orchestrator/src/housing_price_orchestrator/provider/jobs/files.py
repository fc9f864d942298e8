"""The files of the jobs, in a folder that the API and the workers share."""

import asyncio
import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from housing_price_orchestrator.shared.errors import JobFilesFull, JobsUnavailable
from housing_price_orchestrator.shared.ports import ReceivedFile

BLOCK_BYTES = 1024 * 1024
"""So much of a file is held in memory before it is written."""

RESULT_SUFFIXES = ("csv", "ndjson", "parquet")

_JOB_ID = re.compile("[0-9a-f]{32}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderJobFiles:
    """`JobFiles` in a folder: `incoming/` holds what came with jobs, `work/` what they make, and `results/` that."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when it is needed."""
        self._incoming = folder / "incoming"
        self._work = folder / "work"
        self._results = folder / "results"

    async def receive(self, parts: AsyncIterator[bytes], /, *, suffix: str) -> ReceivedFile:
        """Write down a file while it comes."""
        name = f"{secrets.token_hex(16)}.{suffix}"
        path = self._incoming / name
        try:
            return await self._receive(parts, path)
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(_unlink, path))
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                kind = JobFilesFull if error.errno in _NO_ROOM else JobsUnavailable
                raise kind(f"{path.parent}: {error.strerror or error}") from error
            raise

    async def _receive(self, parts: AsyncIterator[bytes], path: Path) -> ReceivedFile:
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        file = await asyncio.to_thread(_create, path)
        try:

            def write(block: bytes) -> None:
                digest.update(block)
                file.write(block)

            async for part in parts:
                waiting += part
                if len(waiting) >= BLOCK_BYTES:
                    size += len(waiting)
                    await asyncio.to_thread(write, bytes(waiting))
                    waiting.clear()
            size += len(waiting)
            await asyncio.to_thread(write, bytes(waiting))
            await asyncio.to_thread(_sync, file)
        finally:
            await asyncio.to_thread(file.close)
        return ReceivedFile(path.name, size, digest.hexdigest())

    async def remove(self, name: str, /) -> None:
        """Remove a file that was received."""
        await asyncio.to_thread(_unlink, self.incoming_path(name))

    def incoming_path(self, name: str, /) -> Path:
        """Tell where a file is that was received."""
        return self._incoming / Path(name).name

    def incoming_paths(self) -> Iterator[Path]:
        """Give the files that came with jobs and are still there."""
        yield from _children(self._incoming)

    def work_path(self, job_id: str, /) -> Path:
        """Tell which folder holds what a job is making; it is gone soon after the job has come to its end."""
        return self._work / _checked(job_id)

    def work_paths(self) -> Iterator[Path]:
        """Give the folders of jobs that are being made, or have just been."""
        yield from _children(self._work)

    def remove_results(self, job_id: str, /) -> None:
        """Remove what a job has made, of whichever kind, and what it was making."""
        for suffix in RESULT_SUFFIXES:
            self.result_path(job_id, suffix).unlink(missing_ok=True)
        self.refused_path(job_id).unlink(missing_ok=True)
        shutil.rmtree(self.work_path(job_id), ignore_errors=True)

    def result_path(self, job_id: str, suffix: str, /) -> Path:
        """Tell where the result of a job is."""
        return self._results / f"{_checked(job_id)}.{suffix}"

    def refused_path(self, job_id: str, /) -> Path:
        """Tell where the rows are that a job has refused."""
        return self._results / f"{_checked(job_id)}.refused.ndjson"


def is_job_id(text: str) -> bool:
    """Tell whether this is an id as the API gives them; other ones, of whoever wrote the database, name no file."""
    return _JOB_ID.fullmatch(text) is not None


def _checked(job_id: str) -> str:
    if not is_job_id(job_id):
        raise ValueError("not the id of a job")
    return job_id


def _children(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from folder.iterdir()


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Nobody else on this machine reads what people send.
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _unlink(path: Path) -> None:
    # What cannot be removed is in nobody's way, and what went wrong before is what matters.
    with contextlib.suppress(OSError):
        path.unlink()
