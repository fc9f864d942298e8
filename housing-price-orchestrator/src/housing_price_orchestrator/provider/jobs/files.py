"""Files of jobs, in a folder that the API and the workers share."""

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from housing_price_orchestrator.shared.errors import JobFilesFull, JobsUnavailable
from housing_price_orchestrator.shared.ports import ReceivedFile
from housing_price_platform.files import OWNER_ONLY, sync_file

BLOCK_BYTES: Final = 1024 * 1024
"""Size of the blocks in which files are received and copied."""

RESULT_SUFFIXES: Final = ("csv", "ndjson", "parquet")

_JOB_ID: Final = re.compile("[0-9a-f]{32}")
_DISK_FULL_ERRNOS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderJobFiles:
    """`JobFiles` in a folder: uploads in `incoming/`, files of running jobs in `work/`, results in `results/`."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is created when needed."""
        self._incoming = folder / "incoming"
        self._work = folder / "work"
        self._results = folder / "results"

    async def receive(self, parts: AsyncIterator[bytes], /, *, suffix: str) -> ReceivedFile:
        """Store an uploaded file while it is received."""
        name = f"{secrets.token_hex(16)}.{suffix}"
        path = self._incoming / name
        try:
            return await self._receive(parts, path)
        except BaseException as error:
            await asyncio.shield(asyncio.to_thread(_unlink, path))
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                kind = JobFilesFull if error.errno in _DISK_FULL_ERRNOS else JobsUnavailable
                raise kind(f"{path.parent}: {error.strerror or error}") from error
            raise

    async def _receive(self, parts: AsyncIterator[bytes], path: Path) -> ReceivedFile:
        digest, size, buffer = hashlib.sha256(), 0, bytearray()
        file = await asyncio.to_thread(_create, path)
        try:

            def write(block: bytes) -> None:
                digest.update(block)
                file.write(block)

            async for part in parts:
                buffer += part
                if len(buffer) >= BLOCK_BYTES:
                    size += len(buffer)
                    await asyncio.to_thread(write, bytes(buffer))
                    buffer.clear()
            size += len(buffer)
            await asyncio.to_thread(write, bytes(buffer))
            await asyncio.to_thread(sync_file, file)
        finally:
            await asyncio.to_thread(file.close)
        return ReceivedFile(path.name, size, digest.hexdigest())

    async def remove(self, name: str, /) -> None:
        """Delete an uploaded file."""
        await asyncio.to_thread(_unlink, self.incoming_path(name))

    def incoming_path(self, name: str, /) -> Path:
        """Return the path of an uploaded file."""
        return self._incoming / Path(name).name

    def incoming_paths(self) -> Iterator[Path]:
        """Yield the paths of all uploaded files."""
        yield from _children(self._incoming)

    def work_path(self, job_id: str, /) -> Path:
        """Return the work folder of a job; it is deleted soon after the job ends."""
        return self._work / _checked_job_id(job_id)

    def work_paths(self) -> Iterator[Path]:
        """Yield the work folders of jobs that are running or have just ended."""
        yield from _children(self._work)

    def remove_results(self, job_id: str, /) -> None:
        """Delete the results of a job in every format, and its work folder."""
        for suffix in RESULT_SUFFIXES:
            self.result_path(job_id, suffix).unlink(missing_ok=True)
        self.refused_path(job_id).unlink(missing_ok=True)
        shutil.rmtree(self.work_path(job_id), ignore_errors=True)

    def result_path(self, job_id: str, suffix: str, /) -> Path:
        """Return the path of a job's result."""
        return self._results / f"{_checked_job_id(job_id)}.{suffix}"

    def refused_path(self, job_id: str, /) -> Path:
        """Return the path of a job's refused rows."""
        return self._results / f"{_checked_job_id(job_id)}.refused.ndjson"


def is_job_id(text: str) -> bool:
    """Return whether this is a job id that the API made. Other ids, written by others to the database, name no file."""
    return _JOB_ID.fullmatch(text) is not None


def _checked_job_id(job_id: str) -> str:
    if not is_job_id(job_id):
        raise ValueError("not a job id")
    return job_id


def _children(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from folder.iterdir()


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other users of this machine must not read customers' files.
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb")
    # Released when the file is closed or this process ends, so retention can tell interrupted uploads from others.
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def is_being_received(path: Path) -> bool:
    """Return whether an API process is still writing an uploaded file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # it has gone, or the file system has no locks
    return False


def _unlink(path: Path) -> None:
    # Best effort: a leftover file is harmless, and the original error matters more.
    with contextlib.suppress(OSError):
        path.unlink()
