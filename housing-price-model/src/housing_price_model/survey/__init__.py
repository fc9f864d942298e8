"""The survey: its rows, checked for training, and its vocabulary."""
