"""Load generators that check every answer. Each runs as a separate process and prints one JSON object."""
