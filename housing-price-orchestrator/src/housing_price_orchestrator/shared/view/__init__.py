"""The public JSON documents: camelCase outside, snake_case inside, closed and immutable."""
