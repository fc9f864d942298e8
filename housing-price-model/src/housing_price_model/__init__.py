"""Trains, registers and serves the Ames house price model."""
