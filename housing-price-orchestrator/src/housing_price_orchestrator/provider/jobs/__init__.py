"""Durable jobs: their queue, over DBOS, and their files."""
