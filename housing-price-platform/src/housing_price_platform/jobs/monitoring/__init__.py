"""Facts about the queues and their workers, for monitoring."""
