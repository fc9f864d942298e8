"""Injects faults into real processes and checks the promises of the service: `python -m benchmarks faults`."""
