"""The Ames survey: validated rows for training, and the vocabulary."""
