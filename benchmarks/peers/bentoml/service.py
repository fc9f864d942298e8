"""The exported house price model under BentoML: `BENCHMARK_MODEL=FOLDER bentoml serve service:HousePrices`.

The endpoint is batchable: BentoML's dispatcher joins the lists of waiting requests along their first dimension and
calls it once. The model is called without MLflow's schema enforcement, which would cost several milliseconds per call.
"""

import os
from pathlib import Path
from typing import Any

import bentoml
import mlflow
import pandas as pd

MAX_BATCH_SIZE = int(os.environ.get("BENCHMARK_MAX_BATCH_SIZE", "256"))
MAX_LATENCY_MS = int(os.environ.get("BENCHMARK_MAX_LATENCY_MS", "60000"))
WORKERS = int(os.environ.get("BENCHMARK_WORKERS", "2"))


@bentoml.service(
    workers=WORKERS,
    traffic={"timeout": 60},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class HousePrices:
    """Prices houses, each a JSON object that maps column names to values."""

    def __init__(self) -> None:
        model = Path(os.environ["BENCHMARK_MODEL"]) / "model"
        self._model = mlflow.pyfunc.load_model(str(model)).unwrap_python_model()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=MAX_LATENCY_MS)
    def predict(self, houses: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Price the houses of all waiting requests in one call."""
        return self._model.predict(None, pd.DataFrame.from_records(houses)).to_dict("records")
