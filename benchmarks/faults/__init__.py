"""Really causes each fault on real processes, and shows what holds: `python -m benchmarks faults`."""
