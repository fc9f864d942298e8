"""`python -m housing_price_orchestrator`."""

from housing_price_orchestrator.cli import app

app()
