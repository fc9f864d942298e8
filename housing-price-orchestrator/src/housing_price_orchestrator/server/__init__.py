"""How the service listens: connections, what they may take, and how it stops."""
