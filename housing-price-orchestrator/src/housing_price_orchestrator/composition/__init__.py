"""Builds the parts of `app`. Opens long-lived objects, which the lifespan of `app` closes."""
