"""Starts and supervises the services on this machine."""
