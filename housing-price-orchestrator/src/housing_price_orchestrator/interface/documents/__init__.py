"""What stands in bodies: from bytes to validated houses, and from prices to bytes."""
