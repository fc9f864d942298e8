"""Lifecycle of model versions: states, moves between states, and the model servers (`docs/model-life.md`)."""
