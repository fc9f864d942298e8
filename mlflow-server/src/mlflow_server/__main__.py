"""Lets `python -m mlflow_server` do what `mlflow-server` does."""

from mlflow_server.cli import app

app()
