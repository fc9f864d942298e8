"""Serves an exported house price model under MLServer."""
