"""The SQL database that remembers what was answered, and what houses were then sold for."""
