"""Faults of the databases: silent, locked and full ones."""
