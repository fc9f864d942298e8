"""Connections to the model servers of each version: opened, swapped and closed as the routes change."""
