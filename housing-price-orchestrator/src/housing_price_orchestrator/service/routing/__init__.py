"""Canary and shadow: which model version prices which house."""
