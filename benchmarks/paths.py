"""Paths of the repository."""

from pathlib import Path
from typing import Final

BENCHMARKS: Final = Path(__file__).parent
REPOSITORY: Final = BENCHMARKS.parent
RESULTS: Final = BENCHMARKS / "results"
README: Final = BENCHMARKS / "README.md"
PEERS: Final = BENCHMARKS / "peers"
STATE: Final = BENCHMARKS / ".state"
MODEL_PACKAGE: Final = REPOSITORY / "housing-price-model"
SURVEY: Final = MODEL_PACKAGE / "data" / "ames-housing.csv"
MLSERVER: Final = MODEL_PACKAGE / "mlserver"
