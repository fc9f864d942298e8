"""Durable jobs: the DBOS queue and the files of jobs."""
