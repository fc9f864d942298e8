"""A served model: its code, its export, and the allowlist of its contents."""
