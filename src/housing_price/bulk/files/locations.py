"""The files that a scoring reads and writes: local paths, `file://` URIs, and URIs of stores such as S3."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from housing_price.errors import BulkError
from housing_price_orchestrator.shared.locations import (
    FORMAT_OF_SUFFIX,
    MAX_NAME_BYTES,
    REFUSED_SUFFIX,
    AllowedLocations,
    Location,
    LocationRefused,
)

if TYPE_CHECKING:
    from housing_price_orchestrator.worker.stores.remote import FsspecStore

FORMATS: Final = {**FORMAT_OF_SUFFIX, ".tsv": "csv", ".txt": "csv", ".jsonl": "ndjson"}
"""Formats of input files by file name suffix."""

_COPY_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class InputFile:
    """A local file of houses."""

    path: Path
    format: str
    """`csv`, `ndjson` or `parquet`."""


@dataclass(frozen=True)
class Place:
    """A file named on the command line."""

    text: str
    """The path or URI as the user wrote it."""
    format: str
    path: Path | None
    """The local path; None for a file in a store."""
    location: Location | None = None
    """The file in a store; None for a local path."""

    @property
    def refused_text(self) -> str:
        """The path or URI of the refused rows of this result."""
        return self.text + REFUSED_SUFFIX


def find_input(text: str) -> Place:
    """Find the input file of a path or URI.

    Raises:
        BulkError: It is no file, or its name has no known suffix.
    """
    place = _place(text, FORMATS, "--input")
    if place.path is not None and not place.path.is_file():
        is_folder = place.path.is_dir()
        raise BulkError(f"--input {text}: {'a folder, expected a file' if is_folder else 'file not found'}")
    return place


def find_output(text: str, source: Place) -> Place:
    """Find the result file of a path or URI. Neither it nor its file of refused rows exists yet.

    Raises:
        BulkError: It cannot be written, exists, or its name has no known suffix.
    """
    place = _place(text, FORMAT_OF_SUFFIX, "--output")
    name = text.rpartition("/")[2]
    if len(os.fsencode(name + REFUSED_SUFFIX)) > MAX_NAME_BYTES:
        raise BulkError(f"--output {text}: the name is too long: refused rows are written to {name}{REFUSED_SUFFIX}")
    if place.path is not None:
        if not place.path.parent.is_dir():
            raise BulkError(f"--output {text}: the folder {place.path.parent} does not exist")
        for path in (place.path, refused_path(place.path)):
            if os.path.lexists(path):
                raise BulkError(f"--output {text}: {path} exists: choose another name, or remove it")
        if source.path is not None and refused_path(place.path).resolve() == source.path.resolve():
            raise BulkError(f"--output {text}: its refused rows would replace the input: choose another name")
    elif place.location is not None:
        with _store_errors(text):
            for location in place.location.written_files:
                if _store().exists(location):
                    raise BulkError(f"--output {text}: {location.uri} exists: choose another name, or remove it")
    return place


def refused_path(output: Path) -> Path:
    """Return the path of the refused rows of a result."""
    return output.with_name(output.name + REFUSED_SUFFIX)


@contextlib.contextmanager
def local_input(place: Place, folder: Path) -> Iterator[InputFile]:
    """Yield the input as a local file; a file in a store is copied into a folder first.

    Raises:
        BulkError: The store cannot be read.
    """
    if place.location is None:
        assert place.path is not None  # noqa: S101 - a place without a location is local
        yield InputFile(place.path.absolute(), place.format)
        return
    copy = folder / f"input.{place.format}"
    with _store_errors(place.text), _store().open_file(place.location) as file, copy.open("wb") as target:
        shutil.copyfileobj(file, target, _COPY_BYTES)
    yield InputFile(copy, place.format)
    copy.unlink()


def deliver(result: Path, place: Place) -> None:
    """Copy a finished result to its store, its refused rows first. Nothing is replaced.

    Args:
        result: The local result, with its refused rows beside it. Missing if no row was priced.
        place: The file in a store.

    Raises:
        BulkError: The store cannot be written, or a file exists.
    """
    assert place.location is not None  # noqa: S101 - only files in stores are delivered
    with _store_errors(place.text):
        store = _store()
        store.create(refused_path(result), place.location.refused_rows)
        if result.exists():
            try:
                store.create(result, place.location)
            except BaseException:
                store.remove(place.location.refused_rows)  # this call created it
                raise


def _place(text: str, formats: dict[str, str], option: str) -> Place:
    suffix = os.path.splitext(text)[1]  # noqa: PTH122 - a URI is no path
    if suffix not in formats:
        raise BulkError(f"{option} {text}: the file name must end with one of {', '.join(formats)}")
    if "://" not in text:
        return Place(text, formats[suffix], Path(text))
    url = urlsplit(text)
    if url.scheme == "file":
        if url.netloc not in {"", "localhost"} or not url.path.startswith("/"):
            raise BulkError(f"{option} {text}: a local file is written as file:///FOLDER/FILE")
        return Place(text, formats[suffix], Path(unquote(url.path)))
    if suffix not in FORMAT_OF_SUFFIX:
        raise BulkError(f"{option} {text}: the file name must end with one of {', '.join(FORMAT_OF_SUFFIX)}")
    try:
        location = AllowedLocations([f"{url.scheme}://{url.netloc}/"]).find(text)
    except LocationRefused as error:
        raise BulkError(f"{option} {text}: {error}") from error
    return Place(text, formats[suffix], None, location)


def _store() -> "FsspecStore":
    # fsspec loads slowly, and local files do not need it.
    from housing_price_orchestrator.worker.stores.remote import FsspecStore  # noqa: PLC0415

    return FsspecStore()


@contextlib.contextmanager
def _store_errors(text: str) -> Iterator[None]:
    """Turn whatever the library of a store raises into a `BulkError`."""
    try:
        yield
    except BulkError:
        raise
    except FileExistsError as error:
        raise BulkError(f"{text}: it was created by another program meanwhile: choose another name") from error
    except FileNotFoundError as error:
        raise BulkError(f"{text}: file or folder not found") from error
    except Exception as error:
        # Store libraries share no base exception.
        reason = " ".join(str(error).split())[:300]
        raise BulkError(f"{text}: the store failed ({type(error).__name__}: {reason})") from error
