"""Runs the house price services on one machine (`up`, `doctor`) and operates a running API (`jobs`, `models`)."""
