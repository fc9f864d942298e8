"""Programs that make load and check every answer; each runs as a process of its own and prints one JSON object."""
