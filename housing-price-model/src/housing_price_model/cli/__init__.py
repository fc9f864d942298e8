"""The `housing-price-model` commands."""
