"""Entry point of `python -m mlflow_server`, the same as the command `mlflow-server`."""

from mlflow_server.cli import app

app()
