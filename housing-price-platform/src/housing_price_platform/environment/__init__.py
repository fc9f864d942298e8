"""Environment variables: names that packages share, and values that libraries read."""
