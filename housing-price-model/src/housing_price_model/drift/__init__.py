"""Drift detection: compares the prediction log with the reference profile of the model's training data."""
