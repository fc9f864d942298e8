"""The comparables model: its distance, its neighbours, and what is learned for the value."""
