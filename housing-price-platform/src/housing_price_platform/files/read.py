"""Reads of files that may be missing, too large or damaged."""

from collections.abc import Callable
from pathlib import Path


class FileTooLarge(ValueError):
    """The file is larger than the reader accepts."""


class DamagedFile(ValueError):
    """The file exists, but its content is unusable. The message names the file, the fault and what to do."""


def read_if_exists(path: Path, *, max_bytes: int | None = None) -> bytes | None:
    """Read a file; returns None if it does not exist.

    Raises:
        FileTooLarge: The file has more than `max_bytes`; the rest was not read.
        OSError: The file exists and cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read() if max_bytes is None else file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    if max_bytes is not None and len(content) > max_bytes:
        raise FileTooLarge(f"{path}: larger than {max_bytes} bytes")
    return content


def read_document[T](path: Path, parse: Callable[[bytes], T], *, remedy: str, max_bytes: int | None = None) -> T | None:
    """Read and parse a file; returns None if it does not exist.

    Args:
        path: The file.
        parse: Parses the content; raises `ValueError`, `TypeError`, `KeyError` or `RecursionError` if it is unusable.
        remedy: The remedy for a damaged file, for the error message.
        max_bytes: Larger files count as damaged.

    Raises:
        DamagedFile: The content is empty, too large or unusable, or the file cannot be read.
    """
    try:
        content = read_if_exists(path, max_bytes=max_bytes)
    except FileTooLarge as error:
        raise DamagedFile(f"{error}: {remedy}") from error
    except OSError as error:
        raise DamagedFile(f"{path}: cannot be read ({error.strerror or error}): {remedy}") from error
    if content is None:
        return None
    if not content.strip(b" \t\r\n\0"):
        # File systems leave such files after a power failure.
        raise DamagedFile(f"{path}: damaged (the file is empty): {remedy}")
    try:
        return parse(content)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedFile(f"{path}: damaged ({_first_line(error)}): {remedy}") from error


def _first_line(error: Exception) -> str:
    text = f"missing key {error}" if isinstance(error, KeyError) else str(error)
    return " ".join(text.split())[:300] or type(error).__name__
