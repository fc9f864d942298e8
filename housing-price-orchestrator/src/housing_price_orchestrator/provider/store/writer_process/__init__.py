"""The process that writes the prediction log, and its client."""
