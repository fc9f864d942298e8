"""Authentication by API key or token, and rate limits."""
