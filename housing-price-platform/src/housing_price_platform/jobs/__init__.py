"""Durable jobs on DBOS: their database, and what the API and all workers do with it."""
