"""Reading files of houses: CSV, NDJSON and Parquet, by the keys of the API or by the names of the survey."""
