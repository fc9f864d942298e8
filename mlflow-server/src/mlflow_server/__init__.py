"""Runs MLflow's tracking server and model registry with safe settings, in one process."""
