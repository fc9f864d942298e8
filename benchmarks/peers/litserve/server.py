"""The exported house price model under LitServe: `server.py FOLDER PORT`.

One row per request, as LitServe's batching requires: waiting requests become one DataFrame and one model call.
The model is called without MLflow's schema enforcement, which would cost several milliseconds per call.
"""

import argparse
from pathlib import Path
from typing import Any

import litserve
import mlflow
import pandas as pd

MAX_BATCH_SIZE = 128
BATCH_TIMEOUT_SECONDS = 0.01
WORKERS = 1
API_SERVERS = 2


class HousePrices(litserve.LitAPI):
    """Prices one house, a JSON object that maps column names to values."""

    def __init__(self, model: Path, **options: Any) -> None:
        super().__init__(**options)
        self._folder = model

    def setup(self, device: str) -> None:
        """Load the model in the worker process."""
        self._model = mlflow.pyfunc.load_model(str(self._folder)).unwrap_python_model()

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the row unchanged."""
        return request

    def batch(self, inputs: list[dict[str, Any]]) -> pd.DataFrame:
        """Combine the rows of all waiting requests into one DataFrame."""
        return pd.DataFrame.from_records(inputs)

    def predict(self, rows: pd.DataFrame) -> list[dict[str, Any]]:
        """Price all rows in one call."""
        return self._model.predict(None, rows).to_dict("records")

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return one prediction per request."""
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return price, low, high and model_id unchanged."""
        return output


def main() -> None:
    """Serve until stopped by a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--max-batch-size", type=int, default=MAX_BATCH_SIZE)
    parser.add_argument("--batch-timeout-seconds", type=float, default=BATCH_TIMEOUT_SECONDS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--api-servers", type=int, default=API_SERVERS)
    parser.add_argument("--fast-queue", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    prices = HousePrices(
        options.folder / "model", max_batch_size=options.max_batch_size, batch_timeout=options.batch_timeout_seconds
    )
    server = litserve.LitServer(
        prices,
        accelerator="cpu",
        workers_per_device=options.workers,
        fast_queue=options.fast_queue,
        track_requests=False,
    )
    server.run(
        host="127.0.0.1",
        port=options.port,
        num_api_servers=options.api_servers,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
