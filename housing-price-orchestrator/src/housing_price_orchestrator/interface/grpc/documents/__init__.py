"""From the bytes of a message to houses, and from prices and valuations to messages."""
