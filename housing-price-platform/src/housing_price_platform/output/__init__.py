"""Output to terminals and logs: no control characters, no passwords, and writes that never stop a service."""
