"""Copies job inputs from stores and job results to stores."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import structlog

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES, FolderJobFiles
from housing_price_orchestrator.provider.jobs.folder_store import FolderStore, is_local
from housing_price_orchestrator.shared.errors import (
    HousingPriceError,
    JobInputUnusable,
    JobOutputTaken,
    JobStoreFailed,
)
from housing_price_orchestrator.shared.locations import (
    AllowedLocations,
    Location,
    LocationRefused,
    check_written_files,
)
from housing_price_platform.files import write_atomically


class Store(Protocol):
    """Storage for input and result files; raises `OSError`, or whatever its library raises."""

    def open_file(self, location: Location, /) -> AbstractContextManager[BinaryIO]:
        """Open a file for reading."""
        ...

    def exists(self, location: Location, /) -> bool:
        """Return whether the name exists."""
        ...

    def create(self, source: Path, location: Location, /) -> None:
        """Copy a file to a name that does not exist.

        Raises:
            FileExistsError: The name exists. It is unchanged, whatever other programs do meanwhile.
        """
        ...

    def remove(self, location: Location, /) -> None:
        """Delete a file."""
        ...


class Transfer:
    """Copies between the jobs folder and stores."""

    def __init__(self, allowed: AllowedLocations, files: FolderJobFiles, *, max_file_bytes: int) -> None:
        """Access only `allowed` locations: the queue is not trusted, so its locations are checked again.

        Input files are limited to `max_file_bytes`.
        """
        self._allowed = allowed
        self._files = files
        self._max_file_bytes = max_file_bytes

    def formats_of(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """Return the input format and the output format of a job.

        Raises:
            JobInputUnusable: a location is not allowed.
        """
        return self._find(arguments, "input").format, self._find(arguments, "output").format

    def fetch(self, job_id: str, arguments: Mapping[str, Any]) -> str:
        """Copy the input of a job into its work folder and return its name there.

        Raises:
            JobInputUnusable: the input is missing, too large or not allowed, or the job would write to its input.
            JobOutputTaken: a file that the job will write already exists.
            JobStoreFailed: the store fails.
        """
        source, output = self._find(arguments, "input"), self._find(arguments, "output")
        try:
            check_written_files(source, output)
        except LocationRefused as error:
            raise JobInputUnusable(f"`output`: {error}.") from error
        name = f"{secrets.token_hex(8)}.{source.format}"
        with _translated_errors("output"):
            for written in output.written_files:
                if _store_of(written).exists(written):
                    raise JobOutputTaken(written.uri)
        with _translated_errors("input"), _store_of(source).open_file(source) as file:
            write_atomically(
                self._files.work_path(job_id) / name, lambda target: self._copy(file, target), parents=True
            )
        return name

    def deliver(self, job_id: str, arguments: Mapping[str, Any]) -> None:
        """Copy the results of a job to its output: refused rows first, so that a result always has them beside it.

        Replaces nothing. A file that an interrupted attempt has delivered is left as it is.

        Raises:
            JobOutputTaken: a file of another origin has the name.
            JobStoreFailed: the store fails.
        """
        output = self._find(arguments, "output")
        refused = output.refused_rows
        with _translated_errors("output"):
            store = _store_of(output)
            is_new = _create(store, self._files.refused_path(job_id), refused)
            try:
                _create(store, self._files.result_path(job_id, output.format), output)
            except JobOutputTaken:
                if is_new and _holds(store, self._files.refused_path(job_id), refused):
                    store.remove(refused)
                raise

    def deliver_refused(self, job_id: str, arguments: Mapping[str, Any]) -> None:
        """Copy the refused rows of a job to the place beside its output; a job that priced no row has no other result.

        Raises:
            JobOutputTaken: somebody else's file has the name.
            JobStoreFailed: the store fails.
        """
        output = self._find(arguments, "output")
        with _translated_errors("output"):
            _create(_store_of(output), self._files.refused_path(job_id), output.refused_rows)

    def _find(self, arguments: Mapping[str, Any], which: str) -> Location:
        try:
            return self._allowed.find(str(arguments[which]))
        except LocationRefused as error:
            raise JobInputUnusable(f"`{which}`: {error}.") from error

    def _copy(self, file: BinaryIO, target: BinaryIO) -> None:
        size = 0
        while block := file.read(BLOCK_BYTES):
            size += len(block)
            if size > self._max_file_bytes:
                raise JobInputUnusable(f"`input`: the file is larger than {self._max_file_bytes} bytes.")
            target.write(block)


def _create(store: Store, source: Path, location: Location) -> bool:
    """Create a file; returns False if an earlier attempt of the same job has created it."""
    try:
        store.create(source, location)
    except FileExistsError as error:
        if not _holds(store, source, location):
            raise JobOutputTaken(location.uri) from error
        return False
    return True


def _holds(store: Store, source: Path, location: Location) -> bool:
    """Return whether a file in a store has exactly the content of `source`."""
    try:
        with source.open("rb") as ours, store.open_file(location) as theirs:
            while block := ours.read(BLOCK_BYTES):
                if theirs.read(len(block)) != block:
                    return False
            return not theirs.read(1)
    except OSError:
        return False  # a folder, or a link


def _store_of(location: Location) -> Store:
    if is_local(location):
        return FolderStore()
    if find_spec("fsspec") is None:
        raise JobStoreFailed("the worker is installed without its extra `worker`")
    # fsspec is an optional dependency.
    from housing_price_orchestrator.worker.stores.remote import FsspecStore  # noqa: PLC0415

    return FsspecStore()


@contextlib.contextmanager
def _translated_errors(which: str) -> Iterator[None]:
    try:
        yield
    except HousingPriceError:
        raise
    except FileNotFoundError as error:
        raise JobInputUnusable(f"`{which}`: file or folder not found.") from error
    except Exception as error:
        # Store libraries share no base exception. Messages stay in the log: they may reveal internal addresses.
        structlog.get_logger().exception("store failed", which=which, exc_info=error)
        raise JobStoreFailed(f"{which}: {type(error).__name__}") from error
