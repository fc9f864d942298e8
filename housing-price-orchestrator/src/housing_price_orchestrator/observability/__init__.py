"""What an operator sees: each name is defined once, with its unit and meaning."""
