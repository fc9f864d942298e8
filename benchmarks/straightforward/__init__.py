"""A straightforward orchestrator without optimisations, for comparison."""
