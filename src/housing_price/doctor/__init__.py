"""Checks this machine and the running stack."""
