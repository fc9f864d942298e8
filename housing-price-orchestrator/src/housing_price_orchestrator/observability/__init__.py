"""Logs, metrics and traces: each name is defined once, with its unit and meaning."""
