"""Request and response bodies: receives and parses houses, encodes prices."""
