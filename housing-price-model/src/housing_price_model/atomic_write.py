"""Atomic writes of result files, with an error that the command line reports."""

from pathlib import Path

from housing_price_model.errors import OutputError
from housing_price_platform import files


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically: readers see either the old content or the new content. It survives a power failure.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        files.write_atomically(path, text.encode(), mode=files.READABLE)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the file ({error.strerror})") from error
