"""Prices files of any size without an API, with the prices of the API."""
