"""Reads Parquet files: their columns, and their rows as documents or as records."""
