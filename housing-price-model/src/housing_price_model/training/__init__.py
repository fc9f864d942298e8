"""Training runs, their evaluation and their plots."""
