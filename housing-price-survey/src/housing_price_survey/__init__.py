"""The columns and words of the Ames house price survey."""
