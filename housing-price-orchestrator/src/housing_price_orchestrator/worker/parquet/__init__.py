"""Files of parquet, for workers that were installed with the extra `worker`; the API never looks into one."""
