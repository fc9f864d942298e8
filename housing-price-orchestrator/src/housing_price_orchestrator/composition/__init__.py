"""Puts the parts together for `app`: what is long-lived is opened here and closed by its lifespan."""
