"""Prices files of any size without an API, on this machine or on a Spark cluster, with the prices of the API."""
