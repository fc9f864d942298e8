"""The HTTP server: listening sockets, bounded connections and graceful shutdown."""
