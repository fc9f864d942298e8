"""Adapters to everything outside the process: model servers, database, jobs queue, files, keys and telemetry."""
