"""Compares the prices of a shadow with the answers to the same requests."""
