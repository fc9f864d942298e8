"""Benchmarks of the house price services against alternative serving frameworks."""
