"""Brings the file of a job from where it is, and its results to where they are wanted."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import structlog

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES, FolderJobFiles
from housing_price_orchestrator.shared.errors import HousingPriceError, JobInputUnusable, JobStoreFailed
from housing_price_orchestrator.shared.locations import REFUSED_SUFFIX, AllowedLocations, Location, LocationRefused
from housing_price_orchestrator.worker.stores.folder import FolderStore
from housing_price_orchestrator.worker.write_results import write_whole


class Store(Protocol):
    """Where files are; raises `FileNotFoundError`, other kinds of `OSError`, and what its library raises."""

    def reading(self, location: Location, /) -> AbstractContextManager[BinaryIO]:
        """Open a file."""
        ...

    def exists(self, location: Location, /) -> bool:
        """Tell whether there is something of this name."""
        ...

    def write(self, source: Path, location: Location, /) -> None:
        """Copy a file there, in the place of what is there: as a whole or not at all."""
        ...


class Transfer:
    """The ways between the folder of the jobs and the stores."""

    def __init__(self, allowed: AllowedLocations, files: FolderJobFiles, *, max_file_bytes: int) -> None:
        """Go to `allowed` only: what the queue says is checked again. No file is larger than `max_file_bytes`."""
        self._allowed = allowed
        self._files = files
        self._max_file_bytes = max_file_bytes

    def formats_of(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """Tell what a job reads and what it writes.

        Raises:
            JobInputUnusable: it may not read or write there.
        """
        return self._find(arguments, "input").format, self._find(arguments, "output").format

    def fetch(self, job_id: str, arguments: Mapping[str, Any]) -> str:
        """Copy the file of a job into its folder; gives its name there.

        Raises:
            JobInputUnusable: it is not there, or too large, or may not be read; or there is an output already.
            JobStoreFailed: the store fails.
        """
        found, output = self._find(arguments, "input"), self._find(arguments, "output")
        name = f"{secrets.token_hex(8)}.{found.format}"
        with _named_failures("output"):
            if _store_of(output).exists(output):
                raise JobInputUnusable("`output`: there is a file already; nothing is overwritten.")
        with _named_failures("input"), _store_of(found).reading(found) as file:
            write_whole(self._files.work_path(job_id) / name, lambda target: self._copy(file, target))
        return name

    def deliver(self, job_id: str, arguments: Mapping[str, Any]) -> None:
        """Copy what a job has made to where it is wanted: the refused rows first, so that a result has them beside it.

        Raises:
            JobStoreFailed: the store fails.
        """
        output = self._find(arguments, "output")
        refused = Location(output.uri + REFUSED_SUFFIX, output.prefix, _with_suffix(output.names))
        with _named_failures("output"):
            _store_of(output).write(self._files.refused_path(job_id), refused)
            _store_of(output).write(self._files.result_path(job_id, output.format), output)

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
                raise JobInputUnusable(f"`input`: the file has more than {self._max_file_bytes} bytes.")
            target.write(block)


def _with_suffix(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names[:-1], names[-1] + REFUSED_SUFFIX)


def _store_of(location: Location) -> Store:
    if location.prefix.startswith("file://"):
        return FolderStore()
    if find_spec("fsspec") is None:
        raise JobStoreFailed("the worker was installed without its extra `worker`")
    # It is an extra.
    from housing_price_orchestrator.worker.stores.remote import RemoteStore  # noqa: PLC0415

    return RemoteStore()


@contextlib.contextmanager
def _named_failures(which: str) -> Iterator[None]:
    try:
        yield
    except HousingPriceError:
        raise
    except FileNotFoundError as error:
        raise JobInputUnusable(f"`{which}`: there is no such file or folder.") from error
    except Exception as error:
        # Each store raises what its library raises. Its words may say too much about where it is for the caller.
        structlog.get_logger().exception("a store failed", which=which, exc_info=error)
        raise JobStoreFailed(f"{which}: {type(error).__name__}") from error
