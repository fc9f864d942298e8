"""Estimates from a few facts: similar sold houses complete the house, and each completion is priced."""
