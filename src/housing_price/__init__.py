"""Runs the house price services on one machine: `housing-price up` and `housing-price doctor`."""
