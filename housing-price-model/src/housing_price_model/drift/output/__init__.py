"""The findings of a check, for people (a table, a page) and for programs (JSON, metrics)."""
