"""Paths of the repository, and atomic file writes."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

BENCHMARKS: Final = Path(__file__).parent
REPOSITORY: Final = BENCHMARKS.parent
RESULTS: Final = BENCHMARKS / "results"
README: Final = BENCHMARKS / "README.md"
PEERS: Final = BENCHMARKS / "peers"
STATE: Final = BENCHMARKS / ".state"
MODEL_PACKAGE: Final = REPOSITORY / "housing-price-model"
SURVEY: Final = MODEL_PACKAGE / "data" / "ames-housing.csv"
MLSERVER: Final = MODEL_PACKAGE / "mlserver"


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Replace a file atomically; readers see the old or the complete new content."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
