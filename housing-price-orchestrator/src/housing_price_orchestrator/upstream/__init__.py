"""What serves each model version: opening, swapping and closing it."""
