"""Files in an fsspec file system (S3, GCS and others), with credentials from the worker's environment."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from housing_price_orchestrator.shared.locations import Location


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
        filesystem.invalidate_cache()
        return bool(filesystem.exists(path))

    def write(self, source: Path, location: Location, /) -> None:
        """Copy a file to `location`: upload under a temporary name, then rename, so that no partial file is visible."""
        filesystem, path = _filesystem_of(location)
        temporary = f"{path}.{secrets.token_hex(8)}.part"
        try:
            filesystem.put_file(str(source), temporary)
            filesystem.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                filesystem.rm_file(temporary)
            raise


def _filesystem_of(location: Location) -> tuple[Any, str]:
    filesystem, path = fsspec.core.url_to_fs(location.uri)
    return filesystem, path
