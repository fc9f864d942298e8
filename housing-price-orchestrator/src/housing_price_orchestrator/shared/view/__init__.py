"""The public JSON documents: camelCase in JSON, snake_case in Python, closed and immutable."""
