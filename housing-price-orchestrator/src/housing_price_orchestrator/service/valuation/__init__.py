"""The valuation of a house: its value from price and comparable sales, and the explanation of differences."""
