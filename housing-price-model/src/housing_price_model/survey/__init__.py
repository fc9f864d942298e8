"""The Ames survey: validated rows for training."""
