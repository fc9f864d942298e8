"""Reading the prediction log of the orchestrator."""
