"""Reads the orchestrator's prediction log."""
