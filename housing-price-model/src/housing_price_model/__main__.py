"""Entry point of `python -m housing_price_model`."""

from housing_price_model.cli.app import app

app()
