"""Files in a store that fsspec knows; its credentials are those of the worker's environment."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from housing_price_orchestrator.shared.locations import Location


class RemoteStore:
    """A `Store` of any other scheme; what goes wrong there is raised as whatever its library raises."""

    @contextlib.contextmanager
    def reading(self, location: Location, /) -> Iterator[BinaryIO]:
        """Open a file."""
        files, path = _opened(location)
        with files.open(path, "rb") as file:
            yield cast("BinaryIO", file)

    def exists(self, location: Location, /) -> bool:
        """Tell whether there is something of this name."""
        files, path = _opened(location)
        files.invalidate_cache()
        return bool(files.exists(path))

    def write(self, source: Path, location: Location, /) -> None:
        """Copy a file there: under another name first, so that it is never there in part."""
        files, path = _opened(location)
        beside = f"{path}.{secrets.token_hex(8)}.part"
        try:
            files.put_file(str(source), beside)
            files.mv(beside, path)
        except BaseException:
            with contextlib.suppress(Exception):
                files.rm_file(beside)
            raise


def _opened(location: Location) -> tuple[Any, str]:
    files, path = fsspec.core.url_to_fs(location.uri)
    return files, path
