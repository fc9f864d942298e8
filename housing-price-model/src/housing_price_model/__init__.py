"""Trains, registers and serves the Ames house price model."""

import os

# MLflow reads these while it is imported, and reports its use to its makers otherwise.
os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
