"""Writes files that others read at any time."""

import tempfile
from pathlib import Path

from housing_price_model.errors import OutputError


def write_atomically(path: Path, text: str) -> None:
    """Write a file; a reader sees the one before or the new one, never half of it.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
            written = Path(file.name)
        try:
            # Who may read is decided by the folder; a temporary file is its owner's alone.
            written.chmod(0o644)
            written.replace(path)
        except OSError:
            written.unlink()
            raise
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written ({exc.strerror})") from exc
