"""Canary and shadow: which version prices which house."""
