"""The life of the model's versions: states, moves from one to the next, and what is served (`docs/model-life.md`)."""
