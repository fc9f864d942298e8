"""Reads Parquet files: their columns, and their rows as lines of JSON or as records."""
