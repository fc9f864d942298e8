"""What a check found, for people (a table, a page) and for programs (JSON, metrics)."""
