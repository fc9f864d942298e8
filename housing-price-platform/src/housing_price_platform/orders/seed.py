"""The range of random seeds."""

from typing import Final

MAX_SEED: Final = 2**31 - 1
"""Largest random seed that all libraries of the training accept."""
