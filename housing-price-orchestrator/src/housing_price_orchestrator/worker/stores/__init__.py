"""Stores that jobs read from and write to: local folders and fsspec file systems."""
