"""`python -m housing_price_model` is the command line."""

from housing_price_model.cli.app import app

app()
