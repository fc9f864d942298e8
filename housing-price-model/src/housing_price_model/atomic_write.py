"""Atomic writes of result files, with an error that the command line reports."""

from pathlib import Path

from housing_price_model.errors import OutputError
from housing_price_platform import files


def write_atomically(path: Path, text: str, *, retry_seconds: float = 0.0) -> None:
    """Write a file atomically: readers see either the old content or the new content. It survives a power failure.

    Temporary errors, such as a full disk, are tried again for `retry_seconds`.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        files.write_atomically(path, text.encode(), mode=files.READABLE, retry_seconds=retry_seconds)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the file ({error.strerror})") from error
