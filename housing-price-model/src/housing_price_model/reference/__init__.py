"""What is stored with a model about the houses that it was trained on: their profile, and a few golden answers."""
