"""Who may ask, and how often: keys, tokens and rates."""
