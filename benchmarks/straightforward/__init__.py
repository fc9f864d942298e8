"""The orchestrator that one would write in an afternoon, for comparison."""
