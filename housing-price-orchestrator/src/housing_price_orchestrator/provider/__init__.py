"""Everything outside the process: the MLflow model over HTTP, its columns, and the wrappers around the call."""
