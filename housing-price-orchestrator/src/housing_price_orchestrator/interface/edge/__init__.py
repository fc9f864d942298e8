"""Checks before each operation: headers of proxies, served hosts, and origins of pages."""
