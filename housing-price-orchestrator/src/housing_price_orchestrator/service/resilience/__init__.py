"""Wrappers around the port `PriceModel`. Each keeps the promises of the port and adds one of its own."""
