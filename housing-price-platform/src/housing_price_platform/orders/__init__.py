"""Orders for jobs: one model of each, used by the API at submission and by the worker that carries the order out."""
