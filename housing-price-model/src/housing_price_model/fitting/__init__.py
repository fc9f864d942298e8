"""Fitting, evaluating and packing the price model."""
