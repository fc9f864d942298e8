"""Wrappers around the port `PriceModel`: each keeps its promises and adds one of its own."""
