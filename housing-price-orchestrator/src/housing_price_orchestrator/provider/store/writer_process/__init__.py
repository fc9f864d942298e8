"""The process that writes the prediction log."""
