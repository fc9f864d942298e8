"""Atomic file writes."""

import tempfile
from pathlib import Path

from housing_price_model.errors import OutputError


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically: readers see either the old content or the new content.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
            temporary = Path(file.name)
        try:
            # Temporary files are readable by their owner only; access is left to the folder's permissions.
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError:
            temporary.unlink()
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot write the file ({error.strerror})") from error
