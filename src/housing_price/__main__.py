"""Lets `python -m housing_price` do what `housing-price` does."""

from housing_price.cli import app

app()
