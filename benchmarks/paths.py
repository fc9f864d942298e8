"""Where things are."""

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
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that others may be reading: it is there as a whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
