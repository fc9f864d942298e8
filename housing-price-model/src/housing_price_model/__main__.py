"""`python -m housing_price_model` is the command line."""

from housing_price_model.cli import app

app()
