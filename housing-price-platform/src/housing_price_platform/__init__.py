"""Durable jobs and safe files, shared by the house price services."""
