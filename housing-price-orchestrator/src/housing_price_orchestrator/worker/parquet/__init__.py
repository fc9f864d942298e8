"""Reading and writing Parquet, for workers installed with the extra `worker`; the API never parses a Parquet file."""
