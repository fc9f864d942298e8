"""The public house price API: a fast, strict orchestrator in front of an MLflow model server."""

from importlib.metadata import version

__version__ = version("housing-price-orchestrator")
