"""Entry point of `python -m housing_price`, the same as the command `housing-price`."""

from housing_price.cli import app

app()
