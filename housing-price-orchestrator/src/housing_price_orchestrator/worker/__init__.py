"""The scoring worker: reads a file, prices it, writes the results."""
