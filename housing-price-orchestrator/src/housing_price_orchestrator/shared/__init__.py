"""Shared by all layers: JSON documents, ports and errors."""
