"""Measures speed and load of the house price services beside what one would use instead."""
