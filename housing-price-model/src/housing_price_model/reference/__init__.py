"""Reference data stored with a model: the profile of its training data, and golden answers."""
