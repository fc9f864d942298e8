"""`python -m housing_price_orchestrator`."""

from housing_price_orchestrator.cli.main import app

app()
