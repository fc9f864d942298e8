"""One request for prices or valuations: reads the houses, asks a service, and encodes and logs the answer."""
