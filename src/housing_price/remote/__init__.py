"""Commands that call a running API."""
