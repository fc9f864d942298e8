"""Use cases and policies of the service, independent of HTTP, MLflow and storage."""
