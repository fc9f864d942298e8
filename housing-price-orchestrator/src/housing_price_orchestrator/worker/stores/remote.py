"""Files in an fsspec file system (S3, GCS and others), with credentials from the worker's environment."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.locations import Location

CONDITIONAL_PUT_PROTOCOLS: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"})
"""Object stores whose fsspec package creates an object only if its name is unused (`put_file(mode="create")`).

s3fs sends `If-None-Match: *`, gcsfs `ifGenerationMatch=0`, adlfs `overwrite=False`.
"""


class FsspecStore:
    """A `Store` for all schemes but `file`; raises whatever the fsspec implementation raises."""

    @contextlib.contextmanager
    def open_file(self, location: Location, /) -> Iterator[BinaryIO]:
        """Open a file for reading."""
        filesystem, path = _filesystem_of(location)
        with filesystem.open(path, "rb") as file:
            yield cast("BinaryIO", file)

    def exists(self, location: Location, /) -> bool:
        """Return whether the name exists."""
        filesystem, path = _filesystem_of(location)
        return _exists(filesystem, path)

    def create(self, source: Path, location: Location, /) -> None:
        """Copy a file to a name that does not exist.

        Object stores show it when it is complete. Elsewhere the name is created first, exclusively, and readers may
        see a part of the content.
        """
        filesystem, path = _filesystem_of(location)
        # Also where the store checks: S3-compatible servers may ignore the condition.
        if _exists(filesystem, path):
            raise FileExistsError(path)
        if _protocols_of(filesystem) & CONDITIONAL_PUT_PROTOCOLS:
            try:
                filesystem.put_file(str(source), path, mode="create")
            except Exception as error:
                # Libraries report an unmet condition by different errors.
                if not isinstance(error, FileExistsError) and _exists(filesystem, path):
                    raise FileExistsError(path) from error
                raise
        else:
            _create_and_copy(filesystem, source, path)

    def remove(self, location: Location, /) -> None:
        """Delete a file."""
        filesystem, path = _filesystem_of(location)
        filesystem.rm_file(path)


def _create_and_copy(filesystem: Any, source: Path, path: str) -> None:
    # An implementation without exclusive creation raises ValueError or NotImplementedError here.
    with source.open("rb") as content, filesystem.open(path, "xb") as file:
        try:
            shutil.copyfileobj(content, file, BLOCK_BYTES)
        except BaseException:
            with contextlib.suppress(Exception):
                filesystem.rm_file(path)  # this call created it
            raise


def _exists(filesystem: Any, path: str) -> bool:
    filesystem.invalidate_cache()
    return bool(filesystem.exists(path))


def _protocols_of(filesystem: Any) -> frozenset[str]:
    protocol = filesystem.protocol
    return frozenset((protocol,) if isinstance(protocol, str) else protocol)


def _filesystem_of(location: Location) -> tuple[Any, str]:
    filesystem, path = fsspec.core.url_to_fs(location.uri)
    return filesystem, path
