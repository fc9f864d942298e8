"""The model registry: versions, names, states and life records."""
