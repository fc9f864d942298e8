"""What a request passes before its operation: headers of proxies, served hosts, and origins of pages."""
